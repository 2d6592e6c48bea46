import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EvaluationRecord } from "../../../src/catalog/index.js";
import type { EvaluationInput } from "../../../src/evaluation/index.js";
import { openEvaluating, type EvaluatingEarshot } from "../../fixtures/evaluating.js";
import { IMPORTED_PACK, readSimilarities } from "../../fixtures/imported-pack.js";
import { writeNeutralDataset, type NeutralSet } from "../../fixtures/neutral-writer.js";

/** The clips and texts of the imported pack, and the scores which another program gives them. */
const { clips, texts, similarities } = readSimilarities(IMPORTED_PACK);

/** Texts of each clip; the last one has none. */
const CAPTIONS = [[0, 1], [2], [3], [4], [5], []];
const IDS = ["c0", "c1", "c2", "c3", "c4", "mute"];
const POOL = [0, 1, 2, 3, 4];

type Sequence = number[][] | null;
const of = (expert: string) => clips.map((clip) => clip[expert] ?? null);
const EXPERTS: NeutralSet["experts"] = {
  vggish: { aggregation: "sequence", dim: 6, rows: of("vggish") as Sequence[] },
  inst: { aggregation: "average", dim: 8, rows: of("inst") as (number[] | null)[] },
  r2p1d: { aggregation: "average", dim: 4, rows: of("r2p1d") as (number[] | null)[] },
  vggsound: { aggregation: "sequence", dim: 5, rows: of("vggsound") as Sequence[] },
};
const SET: NeutralSet = {
  clips: IDS.map((id, clip) => ({ id, captions: CAPTIONS[clip]!.map((text) => texts[text]!.caption!) })),
  experts: EXPERTS,
  words: { dim: 10, captions: CAPTIONS.flat().map((text) => texts[text]!.words) },
  protocol: { textTokens: 30, maxTokens: { vggish: 29, vggsound: 32 }, testCaptions: 5 },
};

/** Ranks from 1 by counting, without ties. */
const t2aRanks = CAPTIONS.flatMap((own, clip) =>
  own.map((text) => 1 + POOL.filter((other) => similarities[text]![other]! > similarities[text]![clip]!).length),
);
const a2tRanks = POOL.map((clip) => {
  const best = Math.max(...CAPTIONS[clip]!.map((text) => similarities[text]![clip]!));
  return 1 + CAPTIONS.flat().filter((text) => similarities[text]![clip]! > best).length;
});

let test: EvaluatingEarshot;
const input = (source: string, more: Partial<EvaluationInput> = {}): EvaluationInput => ({
  ...{ dataset: "CUSTOM", source: { features: source }, modelPack: IMPORTED_PACK },
  ...more,
});
const noticed = ({ result }: EvaluationRecord) => result!.notices.map(({ code }) => code);
const figures = ({ result }: EvaluationRecord) => ({ ...result!, timings: null });

beforeAll(async () => {
  test = await openEvaluating({}, path.dirname(IMPORTED_PACK));
  const { words: _, ...withoutWords } = SET;
  const { vggish, vggsound } = EXPERTS;
  await writeNeutralDataset(path.join(test.root, "words"), SET);
  await writeNeutralDataset(path.join(test.root, "texts"), withoutWords);
  await writeNeutralDataset(path.join(test.root, "sounds"), {
    ...SET,
    experts: { vggish: vggish!, vggsound: vggsound! },
  });
  await writeNeutralDataset(path.join(test.root, "fused"), { ...SET, protocol: { fuseCaptions: true } });
});
afterAll(() => test.end());

describe("an evaluation of features with a pack other than the one in use", () => {
  let done: EvaluationRecord;
  beforeAll(async () => {
    done = await test.evaluate(input("words"));
  });

  it("completes and says what was measured with what", () => {
    expect(done).toMatchObject({
      state: "COMPLETED",
      stage: "COMMITTING",
      progress: 1,
      attempts: 1,
      errorCode: null,
      packId: "imported@1.0.0",
      datasetTitle: "made-up",
      order: { split: "test", clipScoring: "WHOLE_CLIP", seed: 0, directions: ["T2A", "A2T"], experts: null },
    });
    expect(done.datasetVersion).toMatch(/^[0-9a-f]{64}$/);
    expect(done.provenanceHash).toMatch(/^[0-9a-f]{64}$/);
    expect(done.finishedAt!.getTime()).toBeGreaterThanOrEqual(done.startedAt!.getTime());
  });

  it("gives the ranks of an independent computation", async () => {
    expect((await test.ranks(done, "T2A")).map(({ rank }) => rank)).toEqual(t2aRanks);
    expect((await test.ranks(done, "A2T")).map(({ rank }) => rank)).toEqual(a2tRanks);
  });

  it("gives the metrics of those ranks, with the pool and the queries behind them", () => {
    const { retrieval } = done.result!;
    expect(retrieval).toMatchObject([
      { direction: "T2A", queries: 6, pool: 5 },
      { direction: "A2T", queries: 5, pool: 6 },
    ]);
    for (const [{ recallAt1, meanRank }, ranks] of [
      [retrieval[0]!, t2aRanks],
      [retrieval[1]!, a2tRanks],
    ] as const) {
      expect(recallAt1.value).toBeCloseTo((100 * ranks.filter((rank) => rank === 1).length) / ranks.length, 9);
      expect(meanRank.value).toBeCloseTo(ranks.reduce((sum, rank) => sum + rank, 0) / ranks.length, 9);
      expect(meanRank.low).toBeLessThanOrEqual(meanRank.value);
      expect(meanRank.high).toBeGreaterThanOrEqual(meanRank.value);
    }
  });

  it("counts the clip without a caption, which is not in the pool", () => {
    expect(done.result).toMatchObject({
      clips: 6,
      pool: 5,
      missing: { notFound: 0, unreadable: 0, withoutExpert: 0, withoutCaption: 1, examples: [{ clip: "mute" }] },
    });
  });

  it("notes limits other than the benchmark's, and missing clips", () => {
    expect(noticed(done)).toEqual(["TOKEN_LIMITS_DIFFER", "CLIPS_MISSING"]);
    const [limits] = done.result!.notices;
    expect(limits!.message).toMatch(/20 words instead of 30, 29 tokens of vggsound instead of 32/);
  });

  it("keeps every query with its clip, its score and its best hits", async () => {
    const [first, second] = await test.ranks(done, "T2A");
    expect([first, second].map((rank) => rank?.key)).toEqual(["c0#1", "c0#2"]);
    expect(first).toMatchObject({ ordinal: 0, query: texts[0]!.caption, target: "c0" });
    expect(first!.score).toBeCloseTo(similarities[0]![0]!, 4);
    const order = POOL.toSorted((a, b) => similarities[0]![b]! - similarities[0]![a]!);
    expect(first!.hits.map(({ clip, caption, right }) => [clip, caption, right])).toEqual(
      order.map((clip) => [IDS[clip], null, clip === 0]),
    );
    const own = (await test.ranks(done, "A2T"))[2]!;
    expect(own).toMatchObject({ key: "c2", query: "c2", target: "c2" });
    const captions = [0, 1, 2, 3, 4, 5].toSorted((a, b) => similarities[b]![2]! - similarities[a]![2]!);
    expect(own.hits.map(({ caption }) => caption)).toEqual(captions.map((text) => texts[text]!.caption));
    expect(own.hits.filter(({ right }) => right).map(({ clip }) => clip)).toEqual(["c2"]);
  });

  it("gives the same figures and the same hash when it is run again, and no other hash for other notes", async () => {
    const again = await test.evaluate(input("words", { notes: "again", series: "s" }));
    expect(again.provenanceHash).toBe(done.provenanceHash);
    expect(figures(again)).toEqual(figures(done));
    expect(await test.ranks(again, "T2A")).toEqual(await test.ranks(done, "T2A"));
  });

  it("has another hash, and the same figures within their intervals, for another seed", async () => {
    const other = await test.evaluate(input("words", { seed: 7 }));
    expect(other.provenanceHash).not.toBe(done.provenanceHash);
    const values = ({ result }: EvaluationRecord) => result!.retrieval.map(({ meanRank }) => meanRank.value);
    expect(values(other)).toEqual(values(done));
  });

  it("finds the words of captions as in training where the data set gives no vectors", async () => {
    const spelt = await test.evaluate(input("texts"));
    expect((await test.ranks(spelt, "T2A")).map(({ rank }) => rank)).toEqual(t2aRanks);
    expect(noticed(spelt)).toContain("UNKNOWN_WORDS");
    expect(spelt.provenanceHash).not.toBe(done.provenanceHash);
  });

  it("lets experts that are not wanted count for nothing, as if their features were not there", async () => {
    const experts = ["vggsound", "vggish"];
    const chosen = await test.evaluate(input("words", { experts, directions: ["T2A"] }));
    const absent = await test.evaluate(input("sounds", { directions: ["T2A"] }));
    expect(chosen.result!.experts).toEqual(["vggish", "vggsound"]);
    expect(absent.result!.experts).toEqual(["vggish", "vggsound"]);
    expect(noticed(absent)).toContain("EXPERTS_WITHOUT_FEATURES");
    expect(noticed(chosen)).not.toContain("EXPERTS_WITHOUT_FEATURES");
    expect(chosen.result!.missing.withoutExpert).toBe(1);
    expect(chosen.result!.retrieval.map(({ direction }) => direction)).toEqual(["T2A"]);
    expect(await test.ranks(chosen, "T2A")).toEqual(await test.ranks(absent, "T2A"));
    expect(await test.ranks(chosen, "A2T")).toEqual([]);
  });

  it("fuses all captions of a clip into one query where the protocol does", async () => {
    const fused = await test.evaluate(input("fused"));
    const ranks = await test.ranks(fused, "T2A");
    expect(ranks.map(({ key }) => key)).toEqual(["c0", "c1", "c2", "c3", "c4"]);
    expect(ranks[0]!.query).toBe(`${texts[0]!.caption} ${texts[1]!.caption}`);
    expect(ranks.slice(1).map(({ rank }) => rank)).toEqual(t2aRanks.slice(2));
    expect(ranks[0]!.score).not.toBeCloseTo(similarities[0]![0]!, 4);
  });
});

describe("features that the pack does not take", () => {
  const refused = async (change: Partial<NeutralSet["experts"]>, more?: Partial<EvaluationInput>) => {
    const folder = `unfit-${Object.keys(change).join("-")}`;
    const experts = Object.fromEntries(Object.entries(change).flatMap(([name, one]) => (one ? [[name, one]] : [])));
    await writeNeutralDataset(path.join(test.root, folder), { ...SET, experts });
    const { state, errorCode, errorMessage, result } = await test.evaluate(input(folder, more));
    expect([state, errorCode, result]).toEqual(["FAILED", "FEATURES_DO_NOT_FIT", null]);
    return errorMessage;
  };

  it("of another width are refused", async () => {
    const rows = clips.map(() => [[1, 2, 3]]);
    expect(await refused({ vggish: { aggregation: "sequence", dim: 3, rows } })).toMatch(/of 3 numbers.* of 6/);
  });

  it("of another kind are refused", async () => {
    const rows = clips.map(() => [1, 2, 3, 4, 5]);
    const vggsound = { aggregation: "average", dim: 5, rows } as const;
    expect(await refused({ vggsound })).toMatch(/single vectors.* sequences/);
  });

  it("of none of its experts are refused", async () => {
    const scene = { aggregation: "average", dim: 2, rows: clips.map(() => [1, 2]) } as const;
    expect(await refused({ scene })).toMatch(
      /features of scene, and of none that takes part: vggish, inst, r2p1d, vggsound/,
    );
  });
});
