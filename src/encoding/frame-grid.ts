import type { VisualExpertManifest } from "../models/index.js";
import type { SegmentGrid } from "./segments.js";

/**
 * The arithmetic of the windows of visual experts. Frame n of a stream is shown n / framesPerSecond seconds after the
 * stream starts. Window i of an expert covers the frames [i * hopFrames, i * hopFrames + framesPerWindow), and belongs
 * to every segment in which its first frame lies.
 *
 * Exact for whole numbers of frames a second: numerators and denominators are whole numbers below 2^53.
 */

/** Where the frames of a stream lie in time. */
export interface FrameGrid {
  framesPerSecond: number;
  /** Samples per second of the segments' lengths. */
  sampleRate: number;
  /** Sample, counted from the start of the file, at which frame 0 is shown. */
  startSample: number;
}

/** The lengths of a visual expert's windows. */
export type FrameWindows = Pick<VisualExpertManifest, "framesPerWindow" | "hopFrames">;

/**
 * Number of windows in a stream: those of which at least half of the frames are there, but at least one.
 *
 * @param frames length of the stream; 0 gives 0
 */
export function frameWindowCount(frames: number, { framesPerWindow, hopFrames }: FrameWindows): number {
  if (frames <= 0) return 0;
  const leastReal = Math.ceil(framesPerWindow / 2);
  return Math.max(1, Math.floor((frames - leastReal) / hopFrames) + 1);
}

/**
 * The windows of segment k that exist among the first `windows` of the stream.
 *
 * @returns first window and the one after the last; equal when the expert has none there
 */
export function segmentFrameWindows(
  k: number,
  segment: SegmentGrid,
  grid: FrameGrid,
  expert: FrameWindows,
  windows: number,
): { first: number; end: number } {
  const start = k * segment.hopSamples;
  const first = firstWindowFrom(start, grid, expert);
  return {
    first,
    end: Math.max(first, Math.min(windows, firstWindowFrom(start + segment.lengthSamples, grid, expert))),
  };
}

/** The last segment in which a window lies: of all its segments the one where it comes first. */
export function lastSegmentOf(window: number, segment: SegmentGrid, grid: FrameGrid, expert: FrameWindows): number {
  // Rounding may put the quotient on the wrong side of a whole number; the grid of windows decides.
  let k = Math.floor(windowStart(window, grid, expert) / segment.hopSamples);
  while (k > 0 && firstWindowFrom(k * segment.hopSamples, grid, expert) > window) k--;
  while (firstWindowFrom((k + 1) * segment.hopSamples, grid, expert) <= window) k++;
  return k;
}

/** Sample at which a window's first frame is shown. */
export function windowStart(window: number, { startSample, ...grid }: FrameGrid, { hopFrames }: FrameWindows): number {
  return startSample + (window * hopFrames * grid.sampleRate) / grid.framesPerSecond;
}

/** Sample up to which a stream of so many frames reaches; 0 when there is none. */
export function framesReach(frames: number, { startSample, sampleRate, framesPerSecond }: FrameGrid): number {
  return frames === 0 ? 0 : startSample + Math.ceil((frames * sampleRate) / framesPerSecond);
}

/**
 * Frames of a running stream that must have come in before segment k can be cut whole, all its windows included. At
 * least one: only then it is known that there are pictures.
 */
export function framesNeeded(
  k: number,
  segment: SegmentGrid,
  grid: FrameGrid,
  experts: readonly FrameWindows[],
): number {
  const { sampleRate, framesPerSecond, startSample } = grid;
  const segmentEnd = k * segment.hopSamples + segment.lengthSamples;
  const shown = Math.ceil(((segmentEnd - startSample) * framesPerSecond) / sampleRate);
  const windowEnds = experts.map((expert) => {
    const { first, end } = segmentFrameWindows(k, segment, grid, expert, Infinity);
    return end > first ? (end - 1) * expert.hopFrames + expert.framesPerWindow : 0;
  });
  return Math.max(1, shown, ...windowEnds);
}

/** The first window that starts at this sample or later. */
export function firstWindowFrom(sample: number, grid: FrameGrid, { hopFrames }: FrameWindows): number {
  const { sampleRate, framesPerSecond, startSample } = grid;
  return Math.max(0, Math.ceil(((sample - startSample) * framesPerSecond) / (sampleRate * hopFrames)));
}
