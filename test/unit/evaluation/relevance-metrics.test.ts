import { describe, expect, it } from "vitest";
import { relevanceMetrics, relevanceValues } from "../../../src/evaluation/metrics/relevance-metrics.js";

// Metrics of these are what training/earshot_training/metrics.py gives.
const SCORES = [
  [0.5, 0.9, 0.5, 0.1, 0.5, 0.3, 0.2, 0, -0.1, -0.2, -0.3, -0.4, 0.5],
  Array.from({ length: 13 }, () => 0.2),
  Array.from({ length: 13 }, (_, clip) => clip + 1),
];
const RELEVANT = [
  [0, 4, 12],
  [1, 10],
  [12, 2, 0],
];
const VALUES = SCORES.map((scores, query) => relevanceValues(scores, RELEVANT[query]!));

describe("metrics of queries with several right clips", () => {
  it("are those of the training package", () => {
    const expected = [0.5333333333333333, 0.34090909090909094, 0.4708624708624709];
    expected.forEach((precision, query) => expect(VALUES[query]!.averagePrecision).toBeCloseTo(precision, 12));
    expect(VALUES.map(({ precisionAt1 }) => precisionAt1)).toEqual([0, 0, 1]);
    [1, 0.5, 1 / 3].forEach((recall, query) => expect(VALUES[query]!.recallAt10).toBeCloseTo(recall, 12));
    const found = relevanceMetrics("plain", VALUES, { pool: 13, seed: 0 });
    expect(found).toMatchObject({ name: "plain", queries: 3, pool: 13 });
    expect(found.meanAveragePrecision.value).toBeCloseTo(0.4483682983682984, 12);
    expect(found.precisionAt1.value).toBeCloseTo(1 / 3, 12);
    expect(found.recallAt10.value).toBeCloseTo(0.611111111111111, 12);
  });

  it("keep clips of equal scores in their order", () => {
    expect(relevanceValues([1, 1, 1], [0]).averagePrecision).toBe(1);
    expect(relevanceValues([1, 1, 1], [2]).averagePrecision).toBeCloseTo(1 / 3, 12);
    expect(relevanceValues([-Infinity, -Infinity, 0], [1]).averagePrecision).toBeCloseTo(1 / 3, 12);
  });

  it("take the right clips in any order", () => {
    expect(relevanceValues(SCORES[2]!, [0, 2, 12])).toEqual(VALUES[2]);
  });

  it("have intervals over the queries", () => {
    const { precisionAt1 } = relevanceMetrics("plain", VALUES, { pool: 13, seed: 0 });
    expect([precisionAt1.low, precisionAt1.high]).toEqual([0, 1]);
  });

  it("are refused without a query, a right clip, or a score", () => {
    expect(() => relevanceMetrics("none", [], { pool: 13, seed: 0 })).toThrow(RangeError);
    expect(() => relevanceValues([1, 2], [])).toThrow(RangeError);
    expect(() => relevanceValues([1, NaN], [0])).toThrow(RangeError);
  });
});
