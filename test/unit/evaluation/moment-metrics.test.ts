import { describe, expect, it } from "vitest";
import {
  intersectionOverUnion,
  momentFigures,
  momentMetrics,
  type MomentAnswer,
  type Span,
} from "../../../src/evaluation/metrics/moment-metrics.js";

const span = (startSeconds: number, endSeconds: number): Span => ({ startSeconds, endSeconds });

describe("intersectionOverUnion", () => {
  it("is the shared time over the time that both cover", () => {
    expect(intersectionOverUnion(span(0, 4), span(2, 6))).toBeCloseTo(2 / 6, 12);
    expect(intersectionOverUnion(span(0, 4), span(1, 2))).toBeCloseTo(1 / 4, 12);
    expect(intersectionOverUnion(span(1, 3), span(1, 3))).toBe(1);
  });

  it("is 0 where spans only touch, lie apart, or have no length", () => {
    expect(intersectionOverUnion(span(0, 2), span(2, 4))).toBe(0);
    expect(intersectionOverUnion(span(0, 1), span(5, 6))).toBe(0);
    expect(intersectionOverUnion(span(3, 3), span(0, 6))).toBe(0);
  });
});

describe("momentMetrics", () => {
  it("counts a query at each overlap that its first moment reaches", () => {
    // Overlaps 1, 0.4 and none.
    const { recallAt1 } = momentMetrics([
      { truths: [span(0, 10)], found: [span(0, 10)] },
      { truths: [span(0, 10)], found: [span(0, 4)] },
      { truths: [span(0, 10)], found: [span(20, 30)] },
    ]);
    expect(recallAt1["0.3"]).toBeCloseTo(2 / 3, 12);
    expect(recallAt1["0.5"]).toBeCloseTo(1 / 3, 12);
    expect(recallAt1["0.7"]).toBeCloseTo(1 / 3, 12);
  });

  it("gives a moment found in second place half the precision", () => {
    const metrics = momentMetrics([{ truths: [span(0, 10)], found: [span(50, 60), span(0, 10)] }]);
    expect(metrics.averagePrecisionAtHalf).toBeCloseTo(1 / 2, 12);
    expect(metrics.recallAt1["0.3"]).toBe(0);
  });

  it("averages precision over overlaps from 0.5 to 0.95", () => {
    // An overlap of 0.72 is enough for 0.5, 0.55, 0.6, 0.65 and 0.7: five of ten.
    const metrics = momentMetrics([{ truths: [span(0, 100)], found: [span(0, 72)] }]);
    expect(metrics.meanAveragePrecision).toBeCloseTo(5 / 10, 12);
    expect(metrics.averagePrecisionAtHalf).toBe(1);
  });

  it("counts a true span once, however often it is hit, and misses those that are never hit", () => {
    const truths = [span(0, 10), span(50, 60)];
    // Right at places 1 and 3; the second is a repetition of the first.
    const found = [span(0, 10), span(0, 9), span(50, 60)];
    expect(momentMetrics([{ truths, found }]).averagePrecisionAtHalf).toBeCloseTo((1 + 2 / 3) / 2, 12);
    expect(momentMetrics([{ truths, found: [span(0, 10)] }]).averagePrecisionAtHalf).toBeCloseTo(1 / 2, 12);
  });

  it("lets a later moment raise the precision of an earlier one, as the area under the interpolated curve", () => {
    // Right at places 2 and 3, where the precision is 1/2 and 2/3.
    const found = [span(90, 95), span(0, 10), span(50, 60)];
    const metrics = momentMetrics([{ truths: [span(0, 10), span(50, 60)], found }]);
    expect(metrics.averagePrecisionAtHalf).toBeCloseTo(2 / 3, 12);
  });

  it("gives 0 to a query that found nothing", () => {
    expect(momentMetrics([{ truths: [span(0, 1)], found: [] }])).toEqual({
      recallAt1: { "0.3": 0, "0.5": 0, "0.7": 0 },
      meanAveragePrecision: 0,
      averagePrecisionAtHalf: 0,
    });
  });

  it("refuses what has no answer: no queries, or a query without a true span", () => {
    expect(() => momentMetrics([])).toThrow(RangeError);
    expect(() => momentMetrics([{ truths: [], found: [span(0, 1)] }])).toThrow(/true span/);
  });
});

describe("momentFigures", () => {
  const answers: MomentAnswer[] = Array.from({ length: 40 }, (_, query) => ({
    truths: [span(0, 10)],
    found: [span(0, 1 + (query % 10))],
  }));

  it("are the metrics, each with the interval in which it lies", () => {
    const figures = momentFigures(answers, { clipOfQuery: [...answers.keys()], seed: 0 });
    const metrics = momentMetrics(answers);
    expect(figures.queries).toBe(40);
    expect(figures.meanAveragePrecision.value).toBeCloseTo(metrics.meanAveragePrecision, 12);
    expect(figures.averagePrecisionAtHalf.value).toBeCloseTo(metrics.averagePrecisionAtHalf, 12);
    for (const overlap of ["0.3", "0.5", "0.7"] as const) {
      const { value, low, high } = figures.recallAt1[overlap];
      expect(value).toBeCloseTo(metrics.recallAt1[overlap], 12);
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
  });

  it("draw the queries of a clip together", () => {
    const clipOfQuery = answers.map((_, query) => Math.floor(query / 20));
    // Both clips have the same answers, so whichever is drawn the metrics are the same.
    const { value, low, high } = momentFigures(answers, { clipOfQuery, seed: 0 }).meanAveragePrecision;
    expect(low).toBeCloseTo(value, 12);
    expect(high).toBeCloseTo(value, 12);
  });
});
