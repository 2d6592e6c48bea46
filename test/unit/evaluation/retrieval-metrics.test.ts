import { describe, expect, it } from "vitest";
import type { Figure } from "../../../src/catalog/index.js";
import { bootstrap, weightedMeans } from "../../../src/evaluation/metrics/bootstrap.js";
import { pairedDifferences, retrievalMetrics } from "../../../src/evaluation/metrics/retrieval-metrics.js";
import { overSeeds } from "../../../src/evaluation/metrics/seeds.js";
import { randomNumbers } from "../../fixtures/sounds.js";

describe("the metrics of a direction", () => {
  it("count ranks from 1 and recall in percent", () => {
    const found = metricsOf([0, 1, 4, 9, 49, 50]);
    expect(found).toMatchObject({ direction: "T2A", queries: 6, pool: 100 });
    expect(found.recallAt1.value).toBeCloseTo(100 / 6, 12);
    expect(found.recallAt5.value).toBeCloseTo(300 / 6, 12);
    expect(found.recallAt10.value).toBeCloseTo(400 / 6, 12);
    expect(found.recallAt50.value).toBeCloseTo(500 / 6, 12);
    expect(found.medianRank.value).toBe(1 + (4 + 9) / 2);
    expect(found.meanRank.value).toBeCloseTo(1 + 113 / 6, 12);
    expect(found.geometricMean.value).toBeCloseTo(Math.cbrt((100 / 6) * (300 / 6) * (400 / 6)), 12);
  });

  it("do not count a tie for the first place as found first", () => {
    const found = metricsOf([0.5, 0.5]);
    expect(found.recallAt1.value).toBe(0);
    expect(found.recallAt5.value).toBe(100);
    expect(found.medianRank.value).toBe(1.5);
    expect(found.geometricMean.value).toBe(0);
  });

  it("keep a rank just below a limit inside and one on it outside", () => {
    expect(metricsOf([4.5]).recallAt5.value).toBe(100);
    expect(metricsOf([5]).recallAt5.value).toBe(0);
    expect(metricsOf([9.5]).recallAt10.value).toBe(100);
    expect(metricsOf([50]).recallAt50.value).toBe(0);
  });

  it("can be those of some queries", () => {
    const found = retrievalMetrics(Float64Array.of(0, 7, 0), {
      ...OPTIONS,
      clipOfQuery: [0, 1, 2],
      counts: Uint8Array.of(0, 1, 1),
    });
    expect(found.queries).toBe(2);
    expect(found.recallAt1.value).toBe(50);
  });

  it("are refused without a query, or where one has no rank", () => {
    expect(() => metricsOf([])).toThrow(RangeError);
    expect(() => metricsOf([0, Infinity])).toThrow(RangeError);
    expect(() => metricsOf([0, NaN])).toThrow(RangeError);
  });
});

describe("the intervals of metrics", () => {
  const ranks = randomRanks(400, 5);

  it("hold the figures, and have no width where all queries are alike", () => {
    for (const { value, low, high } of figuresOf(metricsOf(ranks))) {
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
    for (const { value, low, high } of figuresOf(metricsOf([3, 3, 3]))) expect([low, high]).toEqual([value, value]);
  });

  it("are the same for the same seed, and others for another", () => {
    expect(metricsOf(ranks)).toEqual(metricsOf(ranks));
    const other = metricsOf(ranks, { seed: 1 });
    expect(other.meanRank.value).toBe(metricsOf(ranks).meanRank.value);
    expect(other.meanRank).not.toEqual(metricsOf(ranks).meanRank);
  });

  it("are about as wide as theory says for a mean of independent queries", () => {
    const values = randomRanks(500, 8);
    const clipOfQuery = values.map((_, query) => query);
    const [mean] = bootstrap(weightedMeans([values]), { clipOfQuery, seed: 3, samples: 4000 });
    const { populationStd } = overSeeds(values);
    const half = (1.96 * populationStd) / Math.sqrt(values.length);
    expect(mean!.value - mean!.low).toBeGreaterThan(0.9 * half);
    expect(mean!.value - mean!.low).toBeLessThan(1.1 * half);
    expect(mean!.high - mean!.value).toBeGreaterThan(0.9 * half);
    expect(mean!.high - mean!.value).toBeLessThan(1.1 * half);
  });

  it("draw the captions of a clip together: five copies of each query make the figures no surer", () => {
    const copies = ranks.flatMap((rank) => [rank, rank, rank, rank, rank]);
    const together = metricsOf(copies, { clipOfQuery: copies.map((_, query) => Math.floor(query / 5)) });
    const single = metricsOf(ranks);
    expect(together.meanRank).toEqual(single.meanRank);
    expect(together.recallAt5).toEqual(single.recallAt5);
    expect(width(metricsOf(copies).meanRank)).toBeLessThan(0.6 * width(single.meanRank));
  });

  it("are the percentiles of the metrics of drawn queries, found one by one", () => {
    const small = randomRanks(7, 2);
    const draws: number[][] = [];
    bootstrap(
      (weights) => {
        draws.push(small.flatMap((rank, query) => Array.from({ length: weights[query]! }, () => rank)));
        return [0];
      },
      { clipOfQuery: small.map((_, query) => query), seed: 0, samples: 81 },
    );
    // The first one is the queries themselves; each of the others has as many of them.
    expect(draws[0]).toEqual(small);
    expect(draws.slice(1).every(({ length }) => length === small.length)).toBe(true);
    const medians = draws.slice(1).map((drawn) => drawn.toSorted((a, b) => a - b)[3]! + 1);
    const sorted = medians.toSorted((a, b) => a - b);
    const { low, high } = metricsOf(small, { samples: 81 }).medianRank;
    // 81 draws: the 2.5th percentile is the one in place 2, from 0.
    expect([low, high]).toEqual([sorted[2], sorted[78]]);
  });
});

describe("differences between two runs", () => {
  const ranks = Float64Array.from(randomRanks(300, 4));
  const options = { clipOfQuery: [...ranks.keys()], seed: 0 };

  it("are the run's figures minus the other's", () => {
    const other = Float64Array.from(randomRanks(300, 9));
    const found = pairedDifferences(ranks, other, options);
    expect(found.meanRank.value).toBeCloseTo(
      metricsOf([...ranks]).meanRank.value - metricsOf([...other]).meanRank.value,
      12,
    );
    expect(pairedDifferences(other, ranks, options).meanRank.low).toBeCloseTo(-found.meanRank.high, 12);
  });

  it("are 0 without doubt for a run and itself", () => {
    for (const figure of Object.values(pairedDifferences(ranks, ranks, options))) {
      expect(figure).toEqual({ value: 0, low: 0, high: 0 });
    }
  });

  it("are sure where every query is a little worse, though both runs vary far more", () => {
    const worse = ranks.map((rank) => rank + 1);
    const { meanRank } = pairedDifferences(worse, ranks, options);
    expect(meanRank.value).toBeCloseTo(1, 9);
    expect(width(meanRank)).toBeCloseTo(0, 9);
    expect(width(metricsOf([...ranks]).meanRank)).toBeGreaterThan(1);
  });

  it("are refused for other queries", () => {
    expect(() => pairedDifferences(ranks, ranks.subarray(1), options)).toThrow(RangeError);
  });
});

describe("a metric over several seeds", () => {
  it("has a mean and both standard deviations", () => {
    const { mean, populationStd, sampleStd, n } = overSeeds([22.5, 23.5, 23]);
    expect([mean, n]).toEqual([23, 3]);
    expect(populationStd).toBeCloseTo(Math.sqrt(0.5 / 3), 12);
    expect(sampleStd).toBeCloseTo(0.5, 12);
  });

  it("has no deviation of a sample of one, and is nothing without runs", () => {
    expect(overSeeds([4])).toEqual({ mean: 4, populationStd: 0, sampleStd: null, n: 1 });
    expect(() => overSeeds([])).toThrow(RangeError);
  });
});

const OPTIONS = { direction: "T2A", pool: 100, seed: 0 } as const;

interface Drawn {
  clipOfQuery?: number[];
  seed?: number;
  samples?: number;
}

function metricsOf(ranks: readonly number[], drawn: Drawn = {}) {
  return retrievalMetrics(Float64Array.from(ranks), { ...OPTIONS, clipOfQuery: [...ranks.keys()], ...drawn });
}

function figuresOf({ direction, queries, pool, ...figures }: ReturnType<typeof metricsOf>): Figure[] {
  expect([direction, pool]).toEqual(["T2A", 100]);
  expect(queries).toBeGreaterThan(0);
  return Object.values(figures);
}

function width({ low, high }: Figure): number {
  return high - low;
}

/** Many small ranks, some large ones, some of them averaged. */
function randomRanks(count: number, seed: number): number[] {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, () => Math.floor(120 * random() ** 4) / 2);
}
