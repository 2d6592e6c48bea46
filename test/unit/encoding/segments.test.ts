import { describe, expect, it } from "vitest";
import {
  samplesNeeded,
  segmentCount,
  segmentSamples,
  segmentWindows,
  windowCount,
  windowLimits,
  type SegmentGrid,
  type WindowGrid,
} from "../../../src/encoding/segments.js";

const vggish = { windowSamples: 15_600, hopSamples: 15_360, windowsPerSegment: 4 };
const vggsound = { windowSamples: 30_893, hopSamples: 30_720, windowsPerSegment: 2 };

/** Lengths of segments and of the experts' windows. */
interface Grid {
  segment: SegmentGrid;
  experts: readonly WindowGrid[];
}

const grid: Grid = {
  segment: { lengthSamples: 61_440, hopSamples: 30_720 },
  experts: [vggish, vggsound],
};

/** Segments of a recording of which there is sound only. */
function segmentsOf(samples: number, { segment, experts }: Grid): number {
  const lastStarts = experts.map((expert) => (windowCount(samples, expert) - 1) * expert.hopSamples);
  return segmentCount(samples, Math.max(...lastStarts), segment);
}

/** The rules word by word, without arithmetic shortcuts: what the functions are held to. */
const spelledOut = {
  windowCount(samples: number, hop: number): number {
    let count = 0;
    while (count * hop < samples && (samples - count * hop) * 4 >= hop) count++;
    return samples > 0 ? Math.max(1, count) : 0;
  },
  segmentCount(samples: number, { segment, experts }: Grid): number {
    if (samples <= 0) return 0;
    let k = 1;
    const reaches = () => (k - 1) * segment.hopSamples + segment.lengthSamples < samples;
    const hears = () =>
      experts.some(
        ({ hopSamples }) => (k * segment.hopSamples) / hopSamples < spelledOut.windowCount(samples, hopSamples),
      );
    while (reaches() && hears()) k++;
    return k;
  },
};

describe("the number of windows", () => {
  it.each([
    [0, 0, "nothing has none"],
    [1, 1, "one sample has one, though it is mostly padding"],
    [3_200, 1, "0.2 s"],
    [15_360, 1, "exactly one hop"],
    [15_361, 1, "one sample more adds a window that would be nearly empty"],
    [15_360 + 3_839, 1, "one sample less than a quarter of a hop more"],
    [15_360 + 3_840, 2, "a quarter of a hop more"],
    [15_600, 1, "exactly one window"],
    [61_440, 4, "exactly one segment"],
    [61_441, 4, "one sample more than a segment"],
    [160_000, 11, "10 s: the eleventh hears 6400 of 15360 samples, enough"],
  ])("of %i samples is %i (%s)", (samples, count) => {
    expect(windowCount(samples, vggish)).toBe(count);
  });

  it("follows the rule at every length up to several hops", () => {
    for (const hop of [3, 4, 5, 7, 16]) {
      for (let samples = 0; samples <= 5 * hop + 3; samples++) {
        expect([hop, samples, windowCount(samples, { hopSamples: hop })]).toEqual([
          hop,
          samples,
          spelledOut.windowCount(samples, hop),
        ]);
      }
    }
  });
});

describe("the number of segments", () => {
  it.each([
    [0, 0, "nothing has none"],
    [1, 1, "one sample"],
    [3_200, 1, "0.2 s"],
    [61_439, 1, "one sample less than a segment"],
    [61_440, 1, "exactly one segment"],
    [61_441, 2, "one sample more, which only a second segment reaches"],
    [92_160, 2, "exactly two segments"],
    [92_161, 3, "one sample more than two"],
    [160_000, 5, "10 s"],
  ])("of %i samples is %i (%s)", (samples, count) => {
    expect(segmentsOf(samples, grid)).toBe(count);
  });

  it("leaves a segment out that no expert has a window for", () => {
    // A segment as long as its hop: the second would begin at sample 100, where one sample makes no window.
    const touching: Grid = {
      segment: { lengthSamples: 100, hopSamples: 100 },
      experts: [{ windowSamples: 100, hopSamples: 100, windowsPerSegment: 1 }],
    };
    expect(segmentsOf(101, touching)).toBe(1);
    expect(segmentsOf(124, touching)).toBe(1);
    expect(segmentsOf(125, touching)).toBe(2);
  });

  it("keeps a segment for which only one of several experts has a window", () => {
    const uneven: Grid = {
      segment: { lengthSamples: 100, hopSamples: 100 },
      experts: [
        { windowSamples: 100, hopSamples: 100, windowsPerSegment: 1 },
        { windowSamples: 20, hopSamples: 20, windowsPerSegment: 5 },
      ],
    };
    expect(segmentsOf(104, uneven)).toBe(1);
    expect(segmentsOf(105, uneven)).toBe(2);
  });

  it("follows the rule at every length, for several grids", () => {
    const grids: Grid[] = [
      {
        segment: { lengthSamples: 16, hopSamples: 8 },
        experts: [
          { windowSamples: 5, hopSamples: 4, windowsPerSegment: 4 },
          { windowSamples: 9, hopSamples: 8, windowsPerSegment: 2 },
        ],
      },
      {
        segment: { lengthSamples: 24, hopSamples: 12 },
        experts: [{ windowSamples: 6, hopSamples: 6, windowsPerSegment: 4 }],
      },
      {
        segment: { lengthSamples: 20, hopSamples: 20 },
        experts: [{ windowSamples: 8, hopSamples: 5, windowsPerSegment: 4 }],
      },
    ];
    for (const tried of grids) {
      for (let samples = 0; samples < 150; samples++) {
        expect([samples, segmentsOf(samples, tried)]).toEqual([samples, spelledOut.segmentCount(samples, tried)]);
      }
    }
  });
});

describe("the windows of a segment", () => {
  it("are those that start in it", () => {
    expect(segmentWindows(0, 30_720, vggish, Infinity)).toEqual({ first: 0, end: 4 });
    expect(segmentWindows(3, 30_720, vggish, Infinity)).toEqual({ first: 6, end: 10 });
    expect(segmentWindows(3, 30_720, vggsound, Infinity)).toEqual({ first: 3, end: 5 });
  });

  it("are cut where the stream's windows end", () => {
    expect(segmentWindows(3, 30_720, vggish, 9)).toEqual({ first: 6, end: 9 });
  });

  it("may be none", () => {
    const { first, end } = segmentWindows(3, 30_720, vggish, 6);
    expect(end - first).toBe(0);
    expect(segmentWindows(3, 30_720, vggish, 2)).toEqual({ first: 6, end: 6 });
  });
});

describe("a window of another length than the segments", () => {
  // The VGGSound expert of the paper: windows of 10 s, one for each segment of 9.6 s.
  const long = { windowSamples: 160_000, hopSamples: 76_800, windowsPerSegment: 1 };
  const segment = { lengthSamples: 153_600, hopSamples: 76_800 };

  it("reaches beyond the segment it starts in", () => {
    expect(samplesNeeded(0, segment, [long])).toBe(160_000);
    expect(segmentWindows(2, segment.hopSamples, long, Infinity)).toEqual({ first: 2, end: 3 });
  });

  it("gives ten seconds a second segment, the end of which is padding", () => {
    expect(windowCount(160_000, long)).toBe(2);
    expect(segmentsOf(160_000, { segment, experts: [long] })).toBe(2);
  });
});

describe("the windows whose tokens are not cut", () => {
  it.each([
    [{ aggregation: "sequence", maxTokens: 29, tokensPerWindow: 32 }, 1],
    [{ aggregation: "sequence", maxTokens: 29, tokensPerWindow: 1 }, 29],
    [{ aggregation: "sequence", maxTokens: 33, tokensPerWindow: 32 }, 2],
    [{ aggregation: "average", maxTokens: 1, tokensPerWindow: 1 }, Infinity],
  ] as const)("of %j are %d", (expert, windows) => {
    expect(windowLimits(expert, "segment")).toEqual({ inSegment: windows, inStream: Infinity });
    expect(windowLimits(expert, "stream")).toEqual({ inSegment: Infinity, inStream: windows });
  });
});

describe("the time of a segment", () => {
  it("runs over its samples, and no further than the stream", () => {
    expect(segmentSamples(0, grid.segment, 1)).toEqual({ start: 0, end: 1 });
    expect(segmentSamples(0, grid.segment, 61_440)).toEqual({ start: 0, end: 61_440 });
    expect(segmentSamples(1, grid.segment, 61_441)).toEqual({ start: 30_720, end: 61_441 });
    expect(segmentSamples(2, grid.segment, 1_000_000)).toEqual({ start: 61_440, end: 122_880 });
  });
});

describe("the samples needed for a whole segment", () => {
  it("include the overhang of the longest window", () => {
    expect(samplesNeeded(0, grid.segment, grid.experts)).toBe(3 * 15_360 + 15_600);
    expect(samplesNeeded(2, grid.segment, grid.experts)).toBe(2 * 30_720 + 3 * 15_360 + 15_600);
  });

  it("suffice for the segment and all of its windows to exist", () => {
    for (let k = 0; k < 5; k++) {
      const samples = samplesNeeded(k, grid.segment, grid.experts);
      expect(segmentsOf(samples, grid)).toBeGreaterThan(k);
      for (const expert of grid.experts) {
        const { first, end } = segmentWindows(k, grid.segment.hopSamples, expert, windowCount(samples, expert));
        expect(end - first).toBe(expert.windowsPerSegment);
      }
    }
  });
});
