import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parse, subscribe } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseGlobalId } from "../../../src/graphql/ids.js";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { openTestEarshot, type AnyData, type TestEarshot } from "../../fixtures/earshot.js";
import { writeWav } from "../../fixtures/media-files.js";
import { SAMPLE_RATE, tone } from "../../fixtures/sounds.js";

const RUN = `
  mutation ($input: RunEvaluationInput!) {
    runEvaluation(input: $input) { evaluation { id state stage progress metrics { pool } } userErrors { code message field } }
  }`;
const PROGRESS = parse(`
  subscription ($id: ID!) {
    evaluationProgress(id: $id) { state stage progress metrics { direction pool queries recallAt1 { value } meanRank { value } } }
  }`);
const RESULT = `
  query ($id: ID!) {
    evaluation(id: $id) {
      state errorCode modelPack datasetTitle datasetVersion provenanceHash experts clipScoring seed series notes clips pool
      missing { notFound examples { clip reason } }
      metrics { direction queries pool recallAt1 { value low high } medianRank { value } }
      timings { mediaSeconds } notices { code } startedAt finishedAt
    }
  }`;
const RANKS = `
  query ($id: ID!, $direction: RetrievalDirection) {
    evaluationRanks(id: $id, direction: $direction, order: WORST) {
      nodes { key query target rank hits { clip caption right } } totalCount
    }
  }`;

/** What the test pack hears of each clip is known; the caption of "odd" is that of another clip. */
const CLIPS = [
  { id: "rumble", captions: ["an engine rumble"], hertz: 250 },
  { id: "alarm", captions: ["the alarm"], hertz: 2000 },
  { id: "kettle", captions: ["a whistle"], hertz: 4000 },
  { id: "odd", captions: ["a thunder rumble"], hertz: 1000 },
  { id: "gone", captions: ["the drum"], hertz: null },
];

describe("runEvaluation", () => {
  let test: TestEarshot;
  let root: string;
  const run = async (query: string, variables: Record<string, unknown>): Promise<AnyData> => {
    const { data, errors } = await test.run(query, variables);
    expect(errors).toBeUndefined();
    return Object.values(data!)[0] as AnyData;
  };
  const input = { dataset: "CUSTOM", source: { media: "media" }, captions: "." };

  beforeAll(async () => {
    root = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-evaluation-root-")));
    await mkdir(path.join(root, "media"));
    for (const { id, hertz } of CLIPS) {
      if (hertz !== null) await writeWav(path.join(root, "media", `${id}.wav`), tone(hertz, 3 * SAMPLE_RATE));
    }
    const lines = CLIPS.map(({ id, captions }) => JSON.stringify({ id, captions }));
    await writeFile(path.join(root, "clips.jsonl"), lines.join("\n"));
    test = await openTestEarshot({ evaluation: { roots: [root], pollSeconds: 0.1 } });
    await test.earshot.start();
  });
  afterAll(async () => {
    await test.end();
    await rm(root, { recursive: true });
  });

  it("returns at once, reports its progress, and ends with figures that name their pool and what was missing", async () => {
    const { evaluation, userErrors } = await run(RUN, { input: { ...input, seed: 4, series: "s", notes: "n" } });
    expect(userErrors).toEqual([]);
    expect(evaluation).toMatchObject({ state: "PENDING", stage: "QUEUED", progress: 0, metrics: null });

    const { id } = evaluation;
    const stream = await subscribe({ schema: test.earshot.schema, document: PROGRESS, variableValues: { id } });
    if (!(Symbol.asyncIterator in stream)) throw new Error(JSON.stringify(stream));
    const states: AnyData[] = [];
    for await (const { data } of stream) states.push((data as AnyData)["evaluationProgress"]);
    const last = states.pop()!;
    expect(last).toMatchObject({
      state: "COMPLETED",
      progress: 1,
      metrics: [{ direction: "T2A" }, { direction: "A2T" }],
    });
    for (const { state, metrics } of states) {
      expect(["PENDING", "RUNNING"]).toContain(state);
      expect(metrics).toBeNull();
    }
    const running = states.filter(({ state }) => state === "RUNNING").map(({ progress }) => progress as number);
    expect(running).toEqual([...running].sort((a, b) => a - b));

    const result = await run(RESULT, { id });
    expect(result).toMatchObject({
      state: "COMPLETED",
      errorCode: null,
      modelPack: test.earshot.pack.id,
      experts: test.earshot.pack.manifest.experts.map(({ name }) => name),
      clipScoring: "BEST_SEGMENT",
      seed: 4,
      series: "s",
      notes: "n",
      clips: 5,
      pool: 4,
      missing: { notFound: 1, examples: [{ clip: "gone" }] },
      metrics: [
        { direction: "T2A", queries: 4, pool: 4, recallAt1: { value: 75 }, medianRank: { value: 1 } },
        { direction: "A2T", queries: 4, pool: 4, recallAt1: { value: 75 } },
      ],
    });
    expect(result["notices"].map(({ code }: AnyData) => code as string)).toContain("CLIPS_MISSING");
    expect(result["timings"].mediaSeconds).toBeCloseTo(12, 1);
    for (const hash of [result["datasetVersion"], result["provenanceHash"]]) expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(result)).not.toContain(root);

    const worst = await run(RANKS, { id, direction: "T2A" });
    expect(worst["totalCount"]).toBe(4);
    expect(worst["nodes"][0]).toMatchObject({ query: "a thunder rumble", target: "odd" });
    expect(worst["nodes"][0].rank).toBeGreaterThan(1);
    expect(worst["nodes"][0].hits[0]).toEqual({ clip: "rumble", caption: null, right: false });
    expect(worst["nodes"][0].hits).toHaveLength(4);
    const found = await run(RANKS, { id, direction: "A2T" });
    const alarm = found["nodes"].find(({ target }: AnyData) => target === "alarm");
    expect(alarm).toMatchObject({ key: "alarm", query: "alarm", rank: 1 });
    expect(alarm.hits[0]).toEqual({ clip: "alarm", caption: "the alarm", right: true });
  });

  it("measures the experts and the direction that are asked for", async () => {
    const { evaluation } = await run(RUN, { input: { ...input, experts: ["vggish"], directions: ["T2A"] } });
    await test.earshot.evaluation.waitFor(DEFAULT_TENANT, parseGlobalId(evaluation.id).id);
    expect(await run(RESULT, { id: evaluation.id })).toMatchObject({
      state: "COMPLETED",
      experts: ["vggish"],
      metrics: [{ direction: "T2A", pool: 4 }],
    });
  });

  it.each<[string, object, string, string]>([
    ["no source", { source: {} }, "INVALID_EVALUATION_INPUT", "source"],
    ["two sources", { source: { media: "media", index: true } }, "INVALID_EVALUATION_INPUT", "source"],
    ["an index that is none", { source: { index: false } }, "INVALID_EVALUATION_INPUT", "source"],
    ["an index without captions", { source: { index: true }, captions: null }, "INVALID_EVALUATION_INPUT", "captions"],
    ["a folder outside the roots", { source: { media: "/etc" } }, "EVALUATION_PATH_OUTSIDE_ROOTS", "source.media"],
    ["a folder that is not there", { source: { features: "nothing" } }, "DATASET_NOT_FOUND", "source.features"],
    ["a split that is not there", { split: "train" }, "DATASET_SPLIT_NOT_FOUND", "split"],
    ["an expert that is not there", { experts: ["smell"] }, "EXPERT_UNKNOWN", "experts"],
    ["a negative seed", { seed: -1 }, "INVALID_EVALUATION_INPUT", "seed"],
  ])("refuses %s with a code and the field", async (_, change, code, field) => {
    const refused = await run(RUN, { input: { ...input, ...change } });
    expect(refused).toMatchObject({ evaluation: null, userErrors: [{ code, field }] });
    expect(JSON.stringify(refused)).not.toContain(root);
  });
});
