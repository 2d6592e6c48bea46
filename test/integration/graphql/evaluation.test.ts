import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localId, toGlobalId } from "../../../src/graphql/ids.js";
import { ALL_RIGHTS, type Right, type ViewerOptions } from "../../../src/graphql/viewer.js";
import { madeUpMetrics } from "../../fixtures/completed-evaluation.js";
import { openTestEarshot, type AnyData, type TestEarshot } from "../../fixtures/earshot.js";
import { OtherProcess } from "../../fixtures/stored-evaluations.js";

const FIGURE = "{ value low high }";
const EVALUATION = `
  id dataset split source experts directions clipScoring seed series notes state stage progress attempts maxAttempts
  errorCode errorMessage modelPack datasetTitle datasetVersion provenanceHash clips pool
  missing { notFound unreadable withoutExpert withoutCaption examples { clip reason } }
  metrics {
    direction queries pool recallAt1 ${FIGURE} recallAt5 ${FIGURE} recallAt10 ${FIGURE} recallAt50 ${FIGURE}
    medianRank ${FIGURE} meanRank ${FIGURE} geometricMean ${FIGURE}
  }
  relevance { name queries pool meanAveragePrecision ${FIGURE} precisionAt1 ${FIGURE} recallAt10 ${FIGURE} }
  moments { queries recall { overlap recallAt1 ${FIGURE} } meanAveragePrecision ${FIGURE} averagePrecisionAtHalf ${FIGURE} }
  timings { preparingSeconds encodingClipsSeconds encodingCaptionsSeconds scoringSeconds mediaSeconds }
  notices { code message } createdAt startedAt finishedAt`;
const RANKS = `
  query ($id: ID!, $order: EvaluationRankOrder, $first: Int, $after: String) {
    evaluationRanks(id: $id, order: $order, first: $first, after: $after) {
      nodes { key query target rank score hits { clip caption score right } }
      pageInfo { hasNextPage hasPreviousPage endCursor } totalCount
    }
  }`;
const COMPARE = `
  query ($ids: [ID!]!, $paper: PaperTable) {
    compareEvaluations(ids: $ids, paper: $paper) {
      evaluations { evaluation { id } differences { direction queries recallAt1 ${FIGURE} meanRank ${FIGURE} } }
      series { name evaluations { id } metrics { direction pool recallAt1 { mean populationStd sampleStd } } }
      paper {
        table
        rows {
          label dataset pool experts model padding { name text vggish vggsound } preTraining
          metrics { direction recallAt1 { mean populationStd } recallAt10 { mean populationStd } }
          matches { evaluation { id } series differences { direction pool recallAt1 recallAt10 } }
        }
      }
      warnings { code message }
    }
  }`;

describe("evaluations", () => {
  let test: TestEarshot;
  let other: OtherProcess;
  /** The host of this test puts what it knows of the caller into its own context. */
  const as = (viewer: ViewerOptions): object => ({ hostUser: viewer });
  const run = async (query: string, variables: Record<string, unknown> = {}, viewer: ViewerOptions = {}) => {
    const { data, errors } = await test.run(query, variables, as(viewer));
    expect(errors).toBeUndefined();
    return Object.values(data!)[0] as AnyData;
  };
  const codes = async (query: string, variables: Record<string, unknown> = {}, viewer: ViewerOptions = {}) => {
    const { errors } = await test.run(query, variables, as(viewer));
    return errors?.map(({ extensions }) => extensions["code"]);
  };
  const globalId = ({ id }: { id: string }): string => toGlobalId("Evaluation", id);

  beforeAll(async () => {
    test = await openTestEarshot({ context: (context) => (context as { hostUser: ViewerOptions }).hostUser });
    other = new OtherProcess(test);
  });
  afterAll(() => test.end());

  it("are read whole, with figures that name their pool, and without a path of the server", async () => {
    const figure = { value: 0.5, low: 0.4, high: 0.6 };
    const relevance = { name: "one caption", queries: 9, pool: 3, meanAveragePrecision: figure, precisionAt1: figure };
    const moments = { queries: 5, meanAveragePrecision: figure, averagePrecisionAtHalf: figure };
    const stored = await other.run({
      order: { notes: "first try", series: "s", seed: 3 },
      result: {
        retrieval: [madeUpMetrics("T2A", 812, 4060), madeUpMetrics("A2T", 4060, 812)],
        relevance: [{ ...relevance, recallAt10: figure }],
        moments: { ...moments, recallAt1: { "0.3": figure, "0.5": figure, "0.7": figure } },
        notices: [{ code: "CLIPS_MISSING", message: "Some clips are missing." }],
      },
    });
    const query = `query ($id: ID!) { evaluation(id: $id) { ${EVALUATION} } }`;
    const evaluation = await run(query, { id: globalId(stored) });
    expect(evaluation).toMatchObject({
      id: globalId(stored),
      dataset: "AUDIOCAPS",
      split: "test",
      source: "MEDIA",
      experts: ["vggish", "vggsound"],
      directions: ["T2A", "A2T"],
      seed: 3,
      series: "s",
      notes: "first try",
      state: "COMPLETED",
      progress: 1,
      modelPack: "tiny@1.0.0",
      datasetTitle: "AudioCaps",
      pool: 3,
      missing: { notFound: 3, unreadable: 1, examples: [{ clip: "clip-9" }] },
      metrics: [
        {
          direction: "T2A",
          queries: 4060,
          pool: 812,
          recallAt1: { value: 22.9, low: 20.4 },
          medianRank: { value: 4.5 },
        },
        { direction: "A2T", queries: 812, pool: 4060 },
      ],
      relevance: [{ name: "one caption", recallAt10: figure }],
      moments: {
        queries: 5,
        recall: [
          { overlap: 0.3, recallAt1: figure },
          { overlap: 0.5, recallAt1: figure },
          { overlap: 0.7, recallAt1: figure },
        ],
      },
      timings: { encodingClipsSeconds: 61.2, mediaSeconds: 8120 },
      notices: [{ code: "CLIPS_MISSING" }],
    });
    expect(JSON.stringify(evaluation)).not.toContain("/srv");
    const node = await run(`query ($id: ID!) { node(id: $id) { __typename ... on Evaluation { state } } }`, {
      id: globalId(stored),
    });
    expect(node).toEqual({ __typename: "Evaluation", state: "COMPLETED" });
  });

  it("have no figures until they are completed", async () => {
    const stored = await other.submit({ tenant: "half" });
    const query = `query ($id: ID!) { evaluation(id: $id) { ${EVALUATION} } }`;
    expect(await run(query, { id: globalId(stored) }, { tenant: "half" })).toMatchObject({
      state: "PENDING",
      stage: "QUEUED",
      progress: 0,
      experts: null,
      modelPack: null,
      pool: null,
      missing: null,
      metrics: null,
      relevance: null,
      moments: null,
      timings: null,
      notices: null,
      finishedAt: null,
    });
    const page = await run(RANKS, { id: globalId(stored) }, { tenant: "half" });
    expect(page).toMatchObject({ nodes: [], totalCount: 0 });
    await test.earshot.evaluation.cancel("half", stored.id);
  });

  it("are listed newest first, page by page, by state and data set", async () => {
    const tenant = "lists";
    const ids: string[] = [];
    for (const dataset of ["AUDIOCAPS", "CLOTHO", "CLOTHO"] as const) {
      ids.unshift(globalId(await other.run({ tenant, order: { dataset } })));
    }
    const submitted = await other.submit({ tenant, order: { dataset: "CLOTHO" } });
    const waiting = globalId(submitted);
    const query = `
      query ($first: Int, $after: String, $state: EvaluationState, $dataset: EvaluationDataset) {
        evaluations(first: $first, after: $after, state: $state, dataset: $dataset) {
          edges { cursor node { id } } nodes { id } pageInfo { hasNextPage endCursor } totalCount
        }
      }`;
    const list = (variables: object) => run(query, { ...variables }, { tenant });
    const first = await list({ first: 3 });
    expect(first["nodes"].map(({ id }: AnyData) => id as string)).toEqual([waiting, ...ids.slice(0, 2)]);
    expect(first).toMatchObject({ totalCount: 4, pageInfo: { hasNextPage: true } });
    const second = await list({ first: 3, after: first["pageInfo"].endCursor });
    expect(second).toMatchObject({ nodes: [{ id: ids[2] }], pageInfo: { hasNextPage: false } });
    expect(await list({ dataset: "CLOTHO", state: "COMPLETED" })).toMatchObject({
      nodes: [{ id: ids[0] }, { id: ids[1] }],
      totalCount: 2,
    });
    expect(await list({ dataset: "SOUNDDESCS" })).toMatchObject({ nodes: [], totalCount: 0 });
    expect(await codes(query, { first: 0 })).toEqual(["FIRST_OUT_OF_RANGE"]);
    expect(await codes(query, { after: "made up" })).toEqual(["INVALID_CURSOR"]);
    await test.earshot.evaluation.cancel(tenant, submitted.id);
  });

  it("show every query with rank, target and first hits, in three orders, page by page", async () => {
    const id = globalId(await other.run({ ranks: [2, 9, 1, 2, 30] }));
    const targets = (page: AnyData) => page["nodes"].map(({ target }: AnyData) => target as string);
    const all = await run(RANKS, { id });
    expect(targets(all)).toEqual(["clip-0", "clip-1", "clip-2", "clip-3", "clip-4"]);
    expect(all["totalCount"]).toBe(5);
    expect(all["nodes"][0]).toMatchObject({ key: "clip-0", query: "what clip-0 is", rank: 2 });
    expect(all["nodes"][0].hits[1]).toEqual({ clip: "clip-0", caption: null, score: 0.88, right: true });
    const worst: string[] = [];
    for (let after: string | null = null, more = true; more;) {
      const page: AnyData = await run(RANKS, { id, order: "WORST", first: 2, after });
      worst.push(...targets(page));
      after = page["pageInfo"].endCursor;
      more = page["pageInfo"].hasNextPage;
    }
    expect(worst).toEqual(["clip-4", "clip-1", "clip-0", "clip-3", "clip-2"]);
    const best = await run(RANKS, { id, order: "BEST", first: 2 });
    expect(targets(best)).toEqual(["clip-2", "clip-0"]);
    const backwards = { id, order: "WORST", after: best["pageInfo"].endCursor };
    expect(await codes(RANKS, backwards)).toEqual(["INVALID_CURSOR"]);
    const madeUp = `["ranks:${localId("Evaluation", id, "id")}:T2A:WORST",1e999,1]`;
    const endless = { id, order: "WORST", after: Buffer.from(madeUp).toString("base64url") };
    expect(await codes(RANKS, endless)).toEqual(["INVALID_CURSOR"]);
    expect(await codes(RANKS, { id, first: 101 })).toEqual(["FIRST_OUT_OF_RANGE"]);
    const otherDirection = await run(`query ($id: ID!) { evaluationRanks(id: $id, direction: A2T) { totalCount } }`, {
      id,
    });
    expect(otherDirection).toEqual({ totalCount: 0 });
  });

  it("are compared with each other and with the paper", async () => {
    const ids: string[] = [];
    for (const [seed, ranks] of [[2, 2, 2] as const, [1, 1, 2] as const].entries()) {
      ids.push(globalId(await other.run({ order: { series: "three seeds", seed }, ranks })));
    }
    const comparison = await run(COMPARE, { ids, paper: "TABLE_2" });
    expect(comparison["evaluations"].map(({ evaluation }: AnyData) => evaluation.id as string)).toEqual(ids);
    expect(comparison["evaluations"][0].differences).toEqual([]);
    const [t2a] = comparison["evaluations"][1].differences;
    expect(t2a).toMatchObject({ direction: "T2A", queries: 3 });
    expect(t2a.recallAt1.value).toBeCloseTo(200 / 3, 10);
    expect(t2a.meanRank.value).toBeCloseTo(-2 / 3, 10);
    expect(comparison["series"]).toMatchObject([
      { name: "three seeds", evaluations: ids.map((id) => ({ id })), metrics: [{ direction: "T2A", pool: 3 }] },
    ]);
    expect(comparison["paper"].rows).toHaveLength(12);
    const row = comparison["paper"].rows[8];
    expect(row).toMatchObject({
      label: "VGGish + VGGSound (CE-Audio)",
      dataset: "AUDIOCAPS",
      pool: 816,
      experts: ["vggish", "vggsound"],
      model: "CE",
      padding: null,
      metrics: [{ direction: "T2A", recallAt1: { mean: 22.9, populationStd: 0 } }, { direction: "A2T" }],
      matches: [
        { evaluation: { id: ids[0] }, series: null, differences: [{ direction: "T2A", pool: 3 }] },
        { evaluation: { id: ids[1] }, series: null },
        { evaluation: null, series: "three seeds" },
      ],
    });
    expect(row.matches[0].differences[0].recallAt1).toBeCloseTo(-22.9, 10);
    expect(row.matches[2].differences[0].recallAt1).toBeCloseTo(100 / 3 - 22.9, 10);
    expect(comparison["warnings"]).toMatchObject([{ code: "PAPER_POOL_DIFFERS" }]);
    expect((await run(COMPARE, { ids: [ids[0]] }))["paper"]).toBeNull();
  });

  it("of different pools are compared with a warning", async () => {
    const ids = [globalId(await other.run({ ranks: [1, 2, 3] })), globalId(await other.run({ ranks: [1, 2] }))];
    const { warnings } = await run(COMPARE, { ids });
    expect(warnings.map(({ code }: AnyData) => code as string)).toEqual(
      expect.arrayContaining(["POOLS_DIFFER", "QUERIES_DIFFER"]),
    );
  });

  it("are compared only when they are completed, named once, and the caller's", async () => {
    const completed = globalId(await other.run());
    const foreign = globalId(await other.run({ tenant: "foreign" }));
    const waiting = await other.submit();
    const compare = (...ids: string[]) => codes(COMPARE, { ids });
    expect(await compare()).toEqual(["EVALUATIONS_NOT_COMPARABLE"]);
    expect(await compare(completed, completed)).toEqual(["EVALUATIONS_NOT_COMPARABLE"]);
    expect(await compare(completed, globalId(waiting))).toEqual(["EVALUATIONS_NOT_COMPARABLE"]);
    expect(await compare(completed, foreign)).toEqual(["EVALUATION_NOT_FOUND"]);
    expect(await compare(completed, "made up")).toEqual(["INVALID_ID"]);
    expect(await compare(...Array.from({ length: 21 }, () => completed))).toEqual(["EVALUATIONS_NOT_COMPARABLE"]);
    await test.earshot.evaluation.cancel("default", waiting.id);
  });

  it("are cancelled while they wait or run, and left as they are when they have ended", async () => {
    const cancel = `
      mutation ($input: CancelEvaluationInput!) {
        cancelEvaluation(input: $input) { evaluation { state finishedAt metrics { pool } } userErrors { code field } }
      }`;
    const waiting = await other.submit();
    const cancelled = await run(cancel, { input: { id: globalId(waiting) } });
    expect(cancelled).toMatchObject({ evaluation: { state: "CANCELLED", metrics: null }, userErrors: [] });
    expect(cancelled["evaluation"].finishedAt).not.toBeNull();
    const completed = await other.run();
    expect(await run(cancel, { input: { id: globalId(completed) } })).toMatchObject({
      evaluation: { state: "COMPLETED" },
      userErrors: [],
    });
    const foreign = await other.run({ tenant: "foreign" });
    for (const [id, code] of [
      [globalId(foreign), "EVALUATION_NOT_FOUND"],
      ["made up", "INVALID_ID"],
      [toGlobalId("Video", waiting.id), "INVALID_ID"],
    ]) {
      expect(await run(cancel, { input: { id } })).toEqual({ evaluation: null, userErrors: [{ code, field: "id" }] });
    }
  });

  it("of other tenants are not there", async () => {
    const id = globalId(await other.run({ tenant: "red" }));
    const asBlue = { tenant: "blue" };
    expect(
      (await test.run(`{ evaluation(id: "${id}") { id } node(id: "${id}") { id } }`, {}, as(asBlue))).data,
    ).toEqual({
      evaluation: null,
      node: null,
    });
    expect(await run(`{ evaluations { totalCount nodes { id } } }`, {}, asBlue)).toEqual({ totalCount: 0, nodes: [] });
    expect(await codes(RANKS, { id }, asBlue)).toEqual(["EVALUATION_NOT_FOUND"]);
    expect(await codes(COMPARE, { ids: [id] }, asBlue)).toEqual(["EVALUATION_NOT_FOUND"]);
  });

  it.each([
    `{ evaluation(id: "x") { id } }`,
    `{ evaluations { nodes { id } } }`,
    `{ evaluationRanks(id: "x") { totalCount } }`,
    `{ compareEvaluations(ids: []) { warnings { code } } }`,
    `mutation { runEvaluation(input: { dataset: CUSTOM, source: { features: "x" } }) { evaluation { id } } }`,
    `mutation { cancelEvaluation(input: { id: "x" }) { evaluation { id } } }`,
  ])("refuse %s to callers without the right of an evaluator", async (operation) => {
    const others = ALL_RIGHTS.filter((right) => right !== "evaluator");
    expect(await codes(operation, {}, { rights: others })).toEqual(["FORBIDDEN"]);
    expect(await codes(operation, {}, { rights: ["evaluator"] })).not.toEqual(["FORBIDDEN"]);
  });

  it("are nodes for evaluators, who see nothing else that way", async () => {
    const id = globalId(await other.run());
    const node = (of: string, rights: readonly Right[]) => codes(`{ node(id: "${of}") { id } }`, {}, { rights });
    expect(await node(id, ["evaluator"])).toBeUndefined();
    expect(await node(id, ["read"])).toEqual(["FORBIDDEN"]);
    expect(await node(toGlobalId("Video", "1"), ["evaluator"])).toEqual(["FORBIDDEN"]);
    expect(await node("made up", [])).toEqual(["FORBIDDEN"]);
    expect(await node("made up", ["evaluator"])).toEqual(["INVALID_ID"]);
  });
});
