import { describe, expect, it } from "vitest";
import { EvaluationsNotComparableError } from "../../../../src/errors.js";
import { compareEvaluations, MAX_COMPARED, type PaperTable } from "../../../../src/evaluation/comparison/index.js";
import { pairedDifferences } from "../../../../src/evaluation/metrics/retrieval-metrics.js";
import { completedEvaluation } from "../../../fixtures/completed-evaluation.js";
import { ranksOfSketches, sketchRun, type RunSketch } from "../../../fixtures/compared-runs.js";

const compare = (sketches: RunSketch[], paper: PaperTable | null = null) =>
  compareEvaluations(sketches.map(sketchRun), ranksOfSketches(sketches), paper);

const codes = ({ warnings }: { warnings: { code: string }[] }) => warnings.map(({ code }) => code);

describe("compareEvaluations", () => {
  it("gives the difference of every run to the first, over the same queries", async () => {
    const { runs, warnings } = await compare([
      { id: "a", ranks: { T2A: [1, 2, 7, 1], A2T: [1, 3] } },
      { id: "b", ranks: { T2A: [1, 1, 1, 1], A2T: [1, 1] } },
      { id: "c", ranks: { T2A: [2, 2, 2, 2] } },
    ]);
    expect(runs.map(({ evaluation }) => evaluation.id)).toEqual(["a", "b", "c"]);
    expect(runs[0]!.differences).toEqual([]);
    const [t2a, a2t] = runs[1]!.differences;
    expect(t2a).toMatchObject({ direction: "T2A", queries: 4 });
    expect(t2a!.figures.recallAt1.value).toBe(50);
    expect(t2a!.figures.recallAt5.value).toBe(25);
    expect(t2a!.figures.medianRank.value).toBe(-0.5);
    expect(t2a!.figures.meanRank.value).toBe(-1.75);
    expect(a2t!.figures.recallAt1.value).toBe(50);
    expect(runs[2]!.differences.map(({ direction }) => direction)).toEqual(["T2A"]);
    expect(runs[2]!.differences[0]!.figures.recallAt1.value).toBe(-50);
    expect(warnings).toEqual([]);
  });

  it("says with certainty that a run is better when it is so for every clip, and not when it is so for one", async () => {
    const clips = 40;
    const second = Array.from({ length: 2 * clips }, () => 2);
    const { runs } = await compare([
      { id: "a", ranks: { T2A: second } },
      { id: "all", ranks: { T2A: second.map(() => 1) } },
      { id: "one", ranks: { T2A: [1, 1, ...second.slice(2)] } },
      { id: "same", ranks: { T2A: second } },
    ]);
    expect(runs[1]!.differences[0]!.figures.recallAt1).toEqual({ value: 100, low: 100, high: 100 });
    const { value, low, high } = runs[2]!.differences[0]!.figures.recallAt1;
    expect(value).toBe(2.5);
    expect(low).toBe(0);
    expect(high).toBeGreaterThan(2.5);
    expect(runs[3]!.differences[0]!.figures.meanRank).toEqual({ value: 0, low: 0, high: 0 });
  });

  it("draws many queries in a thread, with the figures that would come out here", async () => {
    const many = Array.from({ length: 1_200 }, (_, place) => 1 + ((place * 7_919) % 100));
    const sketches = [
      { id: "a", ranks: { T2A: many } },
      { id: "b", ranks: { T2A: [...many].reverse() } },
    ];
    const { runs } = await compare(sketches);
    const clipOfQuery = many.map((_, place) => place >> 1);
    const [own, baseline] = [many.toReversed(), many].map((ranks) => Float64Array.from(ranks, (rank) => rank - 1));
    expect(runs[1]!.differences).toEqual([
      { direction: "T2A", queries: 1_200, figures: pairedDifferences(own!, baseline!, { clipOfQuery, seed: 0 }) },
    ]);
  });

  it("compares over the queries that both runs have, and warns of the others", async () => {
    const compared = await compare([
      { id: "a", ranks: { T2A: [1, 1, 5, 5, 9, 9] } },
      { id: "b", ranks: { T2A: [1, 1, 2, 2] }, firstClip: 1 },
    ]);
    expect(compared.runs[1]!.differences[0]).toMatchObject({ queries: 4, figures: { meanRank: { value: -5.5 } } });
    expect(codes(compared)).toEqual(["POOLS_DIFFER", "QUERIES_DIFFER"]);
    expect(compared.warnings[0]!.message).toContain("3, 2");
    expect(compared.warnings[1]!.message).toContain("the 4 which both have");
  });

  it.each<[string, Partial<RunSketch>, string[]]>([
    ["data sets", { order: { dataset: "CLOTHO" } }, ["DATASETS_DIFFER", "QUERIES_DIFFER"]],
    ["splits", { order: { split: "val" } }, ["SPLITS_DIFFER"]],
    ["versions of the data set", { datasetVersion: "v2" }, ["DATASET_VERSIONS_DIFFER"]],
    ["ways of scoring", { order: { clipScoring: "BEST_SEGMENT" } }, ["CLIP_SCORING_DIFFERS"]],
    ["pools", { result: { pool: 7 } }, ["POOLS_DIFFER"]],
  ])("allows runs of different %s, with a warning", async (_, other, expected) => {
    const compared = await compare([{ id: "a" }, { id: "b", ...other }]);
    expect(codes(compared)).toEqual(expected);
    expect(JSON.stringify(compared.warnings)).not.toContain("secret");
  });

  it("tells two data sets of one's own apart by their titles", async () => {
    const evaluations = ["doors", "birds"].map((datasetTitle) => {
      const evaluation = completedEvaluation({}, { id: datasetTitle, datasetTitle });
      return { ...evaluation, order: { ...evaluation.order, dataset: "CUSTOM" as const } };
    });
    const { warnings } = await compareEvaluations(evaluations, () => Promise.resolve([]));
    expect(warnings[0]!.code).toBe("DATASETS_DIFFER");
    expect(warnings[0]!.message).toContain('CUSTOM "doors", CUSTOM "birds"');
  });

  it("pairs nothing between different data sets, whose queries may have the same keys by chance", async () => {
    const { runs } = await compare([{ id: "a" }, { id: "b", order: { dataset: "CUSTOM" } }]);
    expect(runs[1]!.differences).toEqual([]);
  });

  it("gives mean and both standard deviations over the seeds of a series", async () => {
    const seeds: RunSketch[] = [
      { id: "a", ranks: { T2A: [1, 1, 2, 2] }, order: { series: "s", seed: 0 } },
      { id: "b", ranks: { T2A: [1, 1, 1, 2] }, order: { series: "s", seed: 1 } },
      { id: "c", ranks: { T2A: [1, 1, 1, 1] }, order: { series: "s", seed: 2 } },
      { id: "alone", ranks: { T2A: [1, 1, 2, 2] } },
    ];
    const { series } = await compare(seeds);
    expect(series).toHaveLength(1);
    expect(series[0]).toMatchObject({ name: "s", runs: [{ id: "a" }, { id: "b" }, { id: "c" }] });
    const [t2a] = series[0]!.metrics;
    expect(t2a).toMatchObject({ direction: "T2A", pool: 2 });
    expect(t2a!.figures.recallAt1.mean).toBeCloseTo(75, 10);
    expect(t2a!.figures.recallAt1.populationStd).toBeCloseTo(25 * Math.sqrt(2 / 3), 10);
    expect(t2a!.figures.recallAt1.sampleStd).toBeCloseTo(25, 10);
    expect(t2a!.figures.recallAt1.n).toBe(3);
  });

  it("counts each seed of a series once, and has one series for each data set", async () => {
    const compared = await compare([
      { id: "a", order: { series: "s", seed: 1 } },
      { id: "again", order: { series: "s", seed: 1 } },
      { id: "elsewhere", order: { series: "s", seed: 1, dataset: "CLOTHO" } },
    ]);
    expect(compared.series.map(({ runs }) => runs.map(({ id }) => id))).toEqual([["a"], ["elsewhere"]]);
    expect(codes(compared)).toContain("SEED_REPEATED");
  });

  it("sets runs and series beside the rows of the paper that fit them", async () => {
    const pool = { pool: 816 };
    const compared = await compare(
      [
        { id: "a", ranks: { T2A: [1, 9] }, order: { series: "s", seed: 0 }, result: pool },
        { id: "b", ranks: { T2A: [1, 1] }, order: { series: "s", seed: 1 }, result: pool },
        { id: "mixture", result: { ...pool, packKind: "mixture-of-embedded-experts" } },
        { id: "vggish", result: { ...pool, experts: ["vggish"], packKind: "single-expert" } },
      ],
      "TABLE_2",
    );
    const matched = compared.paper!.rows.filter(({ matches }) => matches.length > 0);
    expect(matched.map(({ row }) => row.label)).toEqual(["VGGish", "VGGish + VGGSound (CE-Audio)"]);
    const [a, b, series] = matched[1]!.matches;
    expect([a!.evaluation?.id, b!.evaluation?.id, series!.series?.name]).toEqual(["a", "b", "s"]);
    expect(a!.differences[0]!.recallAt1).toBeCloseTo(50 - 22.9, 10);
    expect(a!.differences[0]!.recallAt10).toBeCloseTo(100 - 70.2, 10);
    expect(series!.differences[0]!.recallAt1).toBeCloseTo(75 - 22.9, 10);
    expect(codes(compared)).toEqual([]);
  });

  it("tells mixtures from collaborative experts in the tables that have both", async () => {
    const { paper } = await compare([{ id: "a", result: { packKind: "mixture-of-embedded-experts" } }], "TABLE_3");
    const matched = paper!.rows.filter(({ matches }) => matches.length > 0);
    expect(matched.map(({ row }) => row.label)).toEqual(["AudioCaps, MoEE, z0"]);
  });

  it("warns when the paper ranked another pool, and when no row fits", async () => {
    const another = await compare([{ id: "a", result: { pool: 7 } }], "TABLE_3");
    expect(codes(another)).toEqual(["PAPER_POOL_DIFFERS"]);
    expect(another.warnings[0]!.message).toContain("ranked 7 clips, the paper 816");
    expect(codes(await compare([{ id: "a" }], "TABLE_1"))).toEqual(["PAPER_ROW_NOT_FOUND"]);
  });

  it("refuses no run, too many, one twice, and one without figures", async () => {
    const run = sketchRun({ id: "a" });
    const refused = async (records: Parameters<typeof compareEvaluations>[0], message: RegExp) => {
      const asked = compareEvaluations(records, ranksOfSketches([{ id: "a" }]));
      await expect(asked).rejects.toThrow(EvaluationsNotComparableError);
      await expect(asked).rejects.toThrow(message);
      await expect(asked).rejects.toMatchObject({ field: "ids" });
    };
    await refused([], /at least one/);
    await refused(
      Array.from({ length: MAX_COMPARED + 1 }, (_, id) => ({ ...run, id: String(id) })),
      /At most 20/,
    );
    await refused([run, run], /once/);
    await refused(
      [run, { ...run, id: "b", state: "RUNNING", result: null }],
      /Evaluation 2.*not completed, but RUNNING/,
    );
  });
});
