import { describe, expect, it } from "vitest";
import { findMoments, type MomentSpan, type SegmentScore } from "../../../src/search/moments.js";

/** The starter pack's grid: segment k covers cells k and k + 1 of 1.92 s. */
const GRID = { hopSeconds: 1.92, lengthSeconds: 3.84 };
const SCALE = { slope: 10, intercept: -3 };

/** Segments with these scores; null stands for a silent segment, which is not indexed. */
function segments(scores: readonly (number | null)[], durationSeconds: number): SegmentScore[] {
  return scores.flatMap((score, ordinal) =>
    score === null
      ? []
      : [
          {
            ordinal,
            startSeconds: ordinal * GRID.hopSeconds,
            endSeconds: Math.min(ordinal * GRID.hopSeconds + GRID.lengthSeconds, durationSeconds),
            score,
          },
        ],
  );
}

function moments(
  scores: readonly (number | null)[],
  limit = 3,
  durationSeconds = (scores.length + 1) * GRID.hopSeconds,
) {
  return findMoments(segments(scores, durationSeconds), GRID, durationSeconds, SCALE, limit);
}

/** A span in cells of one hop, as [first cell, cell after the last]. */
const cells = (span: MomentSpan): [number, number] => [
  Math.round((span.startSeconds / GRID.hopSeconds) * 1000) / 1000,
  Math.round((span.endSeconds / GRID.hopSeconds) * 1000) / 1000,
];

describe("findMoments", () => {
  it("reports the overlap of the two segments which hear a short sound", () => {
    const [moment, ...others] = moments([0.1, 0.1, 0.1, 0.7, 0.68, 0.1, 0.1, 0.1]);
    expect(cells(moment!)).toEqual([4, 5]);
    expect(moment!.score).toBe(0.7);
    expect(others).toEqual([]);
  });

  it("reports the cells in which the segments of a longer sound overlap", () => {
    const [moment] = moments([0.1, 0.1, 0.5, 0.7, 0.72, 0.69, 0.5, 0.1, 0.1, 0.1, 0.1]);
    expect(cells(moment!)).toEqual([3, 7]);
  });

  it("keeps the whole segment when only one hears the sound, which then lies in its middle", () => {
    const [moment] = moments([0.1, 0.1, 0.1, 0.7, 0.1, 0.1, 0.1]);
    expect(cells(moment!)).toEqual([3, 5]);
  });

  it("finds a sound in the first cell, where one segment only listens", () => {
    const [moment] = moments([0.7, 0.1, 0.1, 0.1, 0.1, 0.1]);
    expect(cells(moment!)).toEqual([0, 1]);
  });

  it("leaves the first cell out when the second segment hears the sound better than the first", () => {
    const [moment] = moments([0.65, 0.7, 0.1, 0.1, 0.1, 0.1]);
    expect(cells(moment!)).toEqual([1, 2]);
  });

  it("finds a sound in the last cell and ends it with the video", () => {
    const [moment] = moments([0.1, 0.1, 0.1, 0.1, 0.7], 3, 10.5);
    expect(moment!.startSeconds).toBeCloseTo(5 * 1.92);
    expect(moment!.endSeconds).toBe(10.5);
  });

  it("spans the whole of a short video which sounds alike throughout", () => {
    const found = moments([0.7, 0.69, 0.71, 0.7, 0.69]);
    expect(found).toHaveLength(1);
    expect(cells(found[0]!)).toEqual([0, 6]);
  });

  it("takes a sound which fills most of a short video as one moment, not as background", () => {
    const [moment] = moments([0.1, 0.1, 0.6, 0.7, 0.65, 0.66, 0.7, 0.68]);
    expect(cells(moment!)).toEqual([3, 9]);
  });

  it("reports two separate sounds as two moments, the better one first", () => {
    const found = moments([0.1, 0.1, 0.6, 0.6, 0.1, 0.1, 0.1, 0.7, 0.7, 0.1, 0.1, 0.1]);
    expect(found.map(cells)).toEqual([
      [8, 9],
      [3, 4],
    ]);
  });

  it("bridges one weaker segment in the middle of a sound", () => {
    const found = moments([0.1, 0.1, 0.1, 0.7, 0.7, 0.35, 0.7, 0.7, 0.1, 0.1, 0.1, 0.1]);
    expect(found.map(cells)).toEqual([[4, 8]]);
  });

  it("never reports the slope of a peak as a moment of its own", () => {
    const found = moments([0.1, 0.1, 0.1, 0.1, 0.38, 0.9, 0.92, 0.41, 0.1, 0.1, 0.1, 0.1, 0.1], 5);
    expect(found).toHaveLength(1);
  });

  it("leaves out moments far below the best one", () => {
    const found = moments([0.1, 0.1, 0.9, 0.9, 0.1, 0.1, 0.1, 0.3, 0.3, 0.1, 0.1, 0.1], 5);
    expect(found.map(cells)).toEqual([[3, 4]]);
  });

  it("reports the best moment even when nothing in the video fits the query", () => {
    const found = moments([-0.6, -0.6, -0.4, -0.6, -0.6, -0.45, -0.6, -0.6]);
    expect(found).toHaveLength(1);
    expect(found[0]!.score).toBe(-0.4);
  });

  it("takes a silent segment as one that hears nothing", () => {
    const [moment] = moments([0.1, 0.1, null, 0.7, 0.7, null, 0.1, 0.1, 0.1]);
    expect(cells(moment!)).toEqual([4, 5]);
  });

  it("never joins sounds across silence", () => {
    const found = moments([0.7, null, null, 0.7, 0.1, 0.1, 0.1, 0.1, 0.1]);
    expect(found.map(cells)).toEqual([
      [0, 1],
      [3, 5],
    ]);
  });

  it("ends before the silence which follows the last indexed segment", () => {
    const [moment] = moments([0.1, 0.1, 0.1, 0.1, 0.7, 0.7, null, null]);
    expect(cells(moment!)).toEqual([5, 6]);
  });

  it("gives the whole of a video which is one segment", () => {
    const [moment] = moments([0.4], 3, 2.5);
    expect(moment).toEqual({ startSeconds: 0, endSeconds: 2.5, score: 0.4 });
  });

  it("gives no moment for a video without segments", () => {
    expect(moments([])).toEqual([]);
  });

  it("never returns more moments than asked for, nor overlapping or touching ones, whatever the scores", () => {
    let state = 7;
    const random = (): number => (state = (state * 16807) % 2147483647) / 2147483647;
    for (let round = 0; round < 300; round++) {
      const scores = Array.from({ length: 1 + Math.floor(random() * 40) }, () => (random() < 0.1 ? null : random()));
      const limit = 1 + Math.floor(random() * 5);
      const found = moments(scores, limit);
      expect(found.length).toBeLessThanOrEqual(limit);
      if (scores.some((score) => score !== null)) {
        expect(found[0]!.score).toBe(Math.max(...scores.filter((score) => score !== null)));
      }
      const inTime = [...found].sort((a, b) => a.startSeconds - b.startSeconds);
      inTime.forEach((moment, position) => {
        expect(moment.endSeconds).toBeGreaterThan(moment.startSeconds);
        const next = inTime[position + 1];
        if (next !== undefined) expect(next.startSeconds).toBeGreaterThan(moment.endSeconds);
      });
      found.forEach((moment, position) => {
        if (position > 0) expect(moment.score).toBeLessThanOrEqual(found[position - 1]!.score);
      });
    }
  });

  it("does the same for packs whose segments do not overlap", () => {
    const grid = { hopSeconds: 2, lengthSeconds: 2 };
    const scored = [0.1, 0.1, 0.8, 0.1, 0.1].map((score, ordinal) => ({
      ordinal,
      startSeconds: ordinal * 2,
      endSeconds: ordinal * 2 + 2,
      score,
    }));
    expect(findMoments(scored, grid, 10, SCALE, 3)).toEqual([{ startSeconds: 4, endSeconds: 6, score: 0.8 }]);
  });
});
