import type { AudioExpertManifest, ExpertManifest, PackManifest } from "../models/index.js";
import type { TokenLimit } from "./types.js";

/**
 * The arithmetic of segments, and of the windows of audio experts; frame-grid.ts has that of visual experts. All
 * positions and lengths are whole samples at the pack's rate.
 *
 * Window i of an audio expert covers [i * hop, i * hop + windowSamples). Segment k starts at k * segment.hopSamples and
 * takes `windowsPerSegment` windows of each expert from the one that starts where it starts. The last window of a
 * stream is padded with zeros; a segment at the end takes those of its windows that exist.
 */

/** The lengths of an audio expert's windows. */
export type WindowGrid = Pick<AudioExpertManifest, "windowSamples" | "hopSamples" | "windowsPerSegment">;

/** The lengths of a pack's segments. */
export type SegmentGrid = PackManifest["segment"];

/** A window counts when at least this share of its hop is real audio: less is mostly padding. */
const LEAST_REAL_SHARE_OF_HOP = 1 / 4;

/**
 * Number of windows in a stream: those that start inside it and of which at least a quarter of the hop is real
 * audio, but at least one.
 *
 * @param samples length of the stream; 0 gives 0
 */
export function windowCount(samples: number, { hopSamples }: Pick<WindowGrid, "hopSamples">): number {
  if (samples <= 0) return 0;
  const leastReal = Math.ceil(hopSamples * LEAST_REAL_SHARE_OF_HOP);
  return Math.max(1, Math.floor((samples - leastReal) / hopSamples) + 1);
}

/**
 * Number of segments in a video. The first exists whenever there is anything; a later one when the segment before it
 * does not reach the end, and some expert has a window in it or later.
 *
 * @param samples length of the longest stream
 * @param lastWindowStart sample at which the last window of any expert starts
 */
export function segmentCount(
  samples: number,
  lastWindowStart: number,
  { lengthSamples, hopSamples }: SegmentGrid,
): number {
  if (samples <= 0) return 0;
  // Segment k > 0 exists iff (k - 1) * hop + length < samples.
  const reached = Math.max(1, Math.ceil((samples - lengthSamples) / hopSamples) + 1);
  return Math.max(1, Math.min(reached, Math.floor(lastWindowStart / hopSamples) + 1));
}

/** The most windows that matter: those whose tokens are not cut. Infinity: all of them. */
export interface WindowLimits {
  /** From the start of a segment. */
  inSegment: number;
  /** From the start of the stream. */
  inStream: number;
}

/** The most windows of an expert that matter, where its `maxTokens` are counted in every segment or in the stream. */
export function windowLimits(
  { aggregation, maxTokens, tokensPerWindow }: Pick<ExpertManifest, "aggregation" | "maxTokens" | "tokensPerWindow">,
  tokenLimit: TokenLimit,
): WindowLimits {
  const most = aggregation === "average" ? Infinity : Math.ceil(maxTokens / tokensPerWindow);
  return tokenLimit === "segment" ? { inSegment: most, inStream: Infinity } : { inSegment: Infinity, inStream: most };
}

/**
 * The windows of segment k that exist among the first `windows` of the stream.
 *
 * @returns first window and the one after the last; equal when the expert has none there
 */
export function segmentWindows(
  k: number,
  segmentHop: number,
  expert: WindowGrid,
  windows: number,
): { first: number; end: number } {
  const first = (k * segmentHop) / expert.hopSamples;
  return { first, end: Math.max(first, Math.min(first + expert.windowsPerSegment, windows)) };
}

/** First sample of segment k, and the one after its last; never beyond the end of the stream. */
export function segmentSamples(k: number, segment: SegmentGrid, samples: number): { start: number; end: number } {
  const start = k * segment.hopSamples;
  return { start, end: Math.min(start + segment.lengthSamples, samples) };
}

/** Samples of a running stream that must have come in before segment k can be cut whole, all its windows included. */
export function samplesNeeded(k: number, segment: SegmentGrid, experts: readonly WindowGrid[]): number {
  const start = k * segment.hopSamples;
  const windowEnds = experts.map(
    ({ hopSamples, windowSamples, windowsPerSegment }) => (windowsPerSegment - 1) * hopSamples + windowSamples,
  );
  return start + Math.max(segment.lengthSamples, ...windowEnds);
}
