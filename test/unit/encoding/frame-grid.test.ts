import { describe, expect, it } from "vitest";
import {
  framesNeeded,
  framesReach,
  frameWindowCount,
  lastSegmentOf,
  segmentFrameWindows,
  windowStart,
  type FrameGrid,
} from "../../../src/encoding/frame-grid.js";

const segment = { lengthSamples: 153_600, hopSamples: 76_800 };
const paper: FrameGrid = { framesPerSecond: 25, sampleRate: 16_000, startSample: 0 };
/** Every frame, as Inst and Scene of the paper take them. */
const single = { framesPerWindow: 1, hopFrames: 1 };
/** Eight frames every 32, as R2P1D. */
const clips = { framesPerWindow: 8, hopFrames: 32 };
const overlapping = { framesPerWindow: 8, hopFrames: 3 };

/** Grids with late starts, and with a rate that is no whole number. */
const grids: FrameGrid[] = [
  paper,
  { framesPerSecond: 30, sampleRate: 16_000, startSample: 40_001 },
  { framesPerSecond: 12.5, sampleRate: 44_100, startSample: 7 },
  { framesPerSecond: 30_000 / 1001, sampleRate: 48_000, startSample: 0 },
];

describe("the number of windows of frames", () => {
  it.each([
    [0, 0, "nothing has none"],
    [1, 1, "one frame has one, though most of it stands still"],
    [8, 1, "exactly one window"],
    [32, 1, "exactly one hop"],
    [35, 1, "three frames of eight are too few for a second"],
    [36, 2, "four frames of eight are half"],
    [750, 24, "25 s of 30 frames"],
  ])("of %i frames is %i (%s)", (frames, windows) => {
    expect(frameWindowCount(frames, clips)).toBe(windows);
  });

  it("follows the rule at every length", () => {
    for (const expert of [single, clips, overlapping, { framesPerWindow: 5, hopFrames: 2 }]) {
      for (let frames = 1; frames < 200; frames++) {
        let windows = 0;
        const real = () => Math.min(expert.framesPerWindow, frames - windows * expert.hopFrames);
        while (real() > 0 && (windows === 0 || 2 * real() >= expert.framesPerWindow)) windows++;
        expect([expert, frames, frameWindowCount(frames, expert)]).toEqual([expert, frames, windows]);
      }
    }
  });
});

describe("the windows of a segment", () => {
  it("are those whose first frame is shown in it", () => {
    expect(segmentFrameWindows(0, segment, paper, single, Infinity)).toEqual({ first: 0, end: 240 });
    expect(segmentFrameWindows(3, segment, paper, single, Infinity)).toEqual({ first: 360, end: 600 });
    // 4.8 s are frame 120, which lies in the fourth window; the fifth is the first to start later.
    expect(segmentFrameWindows(1, segment, paper, clips, Infinity)).toEqual({ first: 4, end: 12 });
  });

  it("begin where pictures that come late begin", () => {
    const late = { ...paper, startSample: 160_000 };
    expect(segmentFrameWindows(0, segment, late, single, Infinity)).toEqual({ first: 0, end: 0 });
    expect(segmentFrameWindows(1, segment, late, single, Infinity)).toEqual({ first: 0, end: 110 });
    expect(segmentFrameWindows(3, segment, late, single, Infinity)).toEqual({ first: 110, end: 350 });
  });

  it("are cut where the stream's windows end", () => {
    expect(segmentFrameWindows(1, segment, paper, single, 130)).toEqual({ first: 120, end: 130 });
    expect(segmentFrameWindows(2, segment, paper, single, 130)).toEqual({ first: 240, end: 240 });
  });

  it.each(grids)("follow the rule window by window on the grid %j", (grid) => {
    for (const expert of [single, clips, overlapping]) {
      for (let k = 0; k < 4; k++) {
        const from = k * segment.hopSamples;
        const { first, end } = segmentFrameWindows(k, segment, grid, expert, Infinity);
        const inside = Array.from({ length: end + 3 }, (_, i) => i).filter((i) => {
          const start = windowStart(i, grid, expert);
          return start >= from && start < from + segment.lengthSamples;
        });
        expect(inside).toEqual(Array.from({ length: end - first }, (_, i) => first + i));
      }
    }
  });

  it.each(grids)("name the last segment of every window on the grid %j", (grid) => {
    for (const expert of [single, clips, overlapping]) {
      for (let window = 0; window < 200; window++) {
        const k = lastSegmentOf(window, segment, grid, expert);
        const has = (segmentNumber: number) => {
          const { first, end } = segmentFrameWindows(segmentNumber, segment, grid, expert, Infinity);
          return first <= window && window < end;
        };
        expect([window, has(k), has(k + 1), has(k + 2)]).toEqual([window, true, false, false]);
      }
    }
  });
});

describe("the frames needed for a whole segment", () => {
  it("reach its end, and hold the end of its last window", () => {
    expect(framesNeeded(0, segment, paper, [single])).toBe(240);
    // The last window that starts before 9.6 s starts at frame 224.
    expect(framesNeeded(0, segment, paper, [single, clips])).toBe(240);
    expect(framesNeeded(0, segment, paper, [{ framesPerWindow: 32, hopFrames: 32 }])).toBe(256);
  });

  it("are one before pictures that come late, so that it is known whether they come", () => {
    expect(framesNeeded(0, segment, { ...paper, startSample: 200_000 }, [single])).toBe(1);
  });

  it.each(grids)("suffice for it and all of its windows to exist on the grid %j", (grid) => {
    for (let k = 0; k < 5; k++) {
      const experts = [single, clips, overlapping];
      const frames = framesNeeded(k, segment, grid, experts);
      expect(framesReach(frames, grid)).toBeGreaterThanOrEqual(k * segment.hopSamples + segment.lengthSamples);
      for (const expert of experts) {
        const all = segmentFrameWindows(k, segment, grid, expert, Infinity);
        expect(segmentFrameWindows(k, segment, grid, expert, frameWindowCount(frames, expert))).toEqual(all);
      }
    }
  });
});
