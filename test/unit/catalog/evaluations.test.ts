import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type {
  EvaluationOrder,
  EvaluationRankRecord,
  EvaluationRecord,
  EvaluationResult,
  RankOrder,
} from "../../../src/catalog/index.js";
import { openTestCatalog, type TestCatalog } from "../../fixtures/catalog.js";

let test: TestCatalog;
beforeEach(async () => {
  test = await openTestCatalog();
});
afterEach(() => test.end());

const ORDER: EvaluationOrder = {
  dataset: "CLOTHO",
  split: "test",
  source: { kind: "features", path: "/data/clotho", captions: null },
  packPath: null,
  experts: ["vggish"],
  directions: ["T2A"],
  clipScoring: "WHOLE_CLIP",
  seed: 3,
  series: "s",
  notes: null,
};
const RESULT: EvaluationResult = {
  packKind: "collaborative-experts",
  experts: ["vggish"],
  clips: 3,
  pool: 2,
  missing: {
    notFound: 1,
    unreadable: 0,
    withoutExpert: 0,
    withoutCaption: 0,
    examples: [{ clip: "c", reason: "gone" }],
  },
  retrieval: [],
  relevance: [],
  moments: null,
  timings: {
    preparingSeconds: 0.25,
    encodingClipsSeconds: 1,
    encodingCaptionsSeconds: 2,
    scoringSeconds: 3,
    mediaSeconds: null,
  },
  notices: [{ code: "CLIPS_MISSING", message: "1 of 3" }],
};

const add = (order: Partial<EvaluationOrder> = {}, tenant = "a"): Promise<EvaluationRecord> =>
  test.catalog.evaluations.create({ tenant, order: { ...ORDER, ...order }, maxAttempts: 3, requestId: "r" });
const soon = () => new Date(Date.now() + 60_000);
const claim = (workerId = "w") => test.catalog.evaluations.claim({ workerId, expiresAt: soon() }, new Date());
const find = ({ tenant, id }: EvaluationRecord) => test.catalog.evaluations.find(tenant, id);

describe("evaluations", () => {
  it("keep their order as it was given, and are seen by their tenant only", async () => {
    const created = await add();
    expect(created).toMatchObject({
      state: "PENDING",
      stage: "QUEUED",
      progress: 0,
      attempts: 0,
      order: ORDER,
      requestId: "r",
    });
    expect(await find(created)).toEqual(created);
    expect(await test.catalog.evaluations.find("b", created.id)).toBeNull();
    expect(await test.catalog.evaluations.list("b", {}, 10)).toEqual([]);
  });

  it("are listed by age, newest first, by state and data set, page by page", async () => {
    const made = [await add(), await add({ dataset: "AUDIOCAPS" }), await add()];
    await claim();
    const { evaluations } = test.catalog;
    const listed = await evaluations.list("a", {}, 2);
    const rest = await evaluations.list("a", {}, 2, listed.at(-1));
    expect([...listed, ...rest].map(({ id }) => id)).toEqual(made.map(({ id }) => id).reverse());
    expect((await evaluations.list("a", { dataset: "AUDIOCAPS" }, 9)).map(({ id }) => id)).toEqual([made[1]!.id]);
    expect(await evaluations.count("a", { state: "PENDING" })).toBe(2);
    expect(await evaluations.count("a", { state: "RUNNING", dataset: "CLOTHO" })).toBe(1);
  });

  it("are taken oldest first, each once, and the attempt is counted", async () => {
    const [first, second] = [await add(), await add()];
    const taken = [await claim(), await claim(), await claim()];
    expect(taken.map((record) => record?.id)).toEqual([first.id, second.id, undefined]);
    expect(taken[0]).toMatchObject({ state: "RUNNING", attempts: 1, workerId: "w" });
  });

  it("that failed for a while are not taken before they are due", async () => {
    const record = await add();
    await claim();
    const { evaluations } = test.catalog;
    expect(await evaluations.retryLater(record.id, "w", { code: "X", message: "x" }, soon())).toBe(true);
    expect(await claim()).toBeNull();
    expect(await evaluations.claim({ workerId: "w", expiresAt: soon() }, soon())).toMatchObject({ attempts: 2 });
  });

  it("are changed by the worker that holds them only", async () => {
    const record = await add();
    await claim();
    const { catalog } = test;
    const identity = { packId: "p@1", datasetTitle: "clotho", datasetVersion: "v", provenanceHash: "h" };
    expect(await catalog.evaluations.identify(record.id, "other", identity)).toBe(false);
    expect(await catalog.evaluations.identify(record.id, "w", identity)).toBe(true);
    expect(await find(record)).toMatchObject(identity);
    const complete = (workerId: string) =>
      catalog.transaction((tx) => catalog.evaluations.complete(tx, record.id, workerId, RESULT));
    expect(await complete("other")).toBe(false);
    expect(await complete("w")).toBe(true);
    expect(await complete("w")).toBe(false);
    expect(await find(record)).toMatchObject({ state: "COMPLETED", stage: "COMMITTING", progress: 1, result: RESULT });
  });

  it("are cancelled until they have ended", async () => {
    const [waits, runs] = [await add(), await add()];
    await claim();
    const { evaluations } = test.catalog;
    expect(await evaluations.cancel("b", runs.id)).toBe(false);
    for (const { id } of [waits, runs]) expect(await evaluations.cancel("a", id)).toBe(true);
    expect(await evaluations.cancel("a", runs.id)).toBe(false);
    expect(await find(runs)).toMatchObject({ state: "CANCELLED", workerId: null });
    expect(await evaluations.unfinishedIds()).toEqual([]);
    expect(await claim()).toBeNull();
  });
});

describe("the ranks of an evaluation", () => {
  const RANKS: EvaluationRankRecord[] = [2, 1, 2.5, 1, 7].map((rank, ordinal) => ({
    direction: "T2A",
    ordinal,
    key: `c${ordinal}#1`,
    query: "ein Geräusch",
    target: `c${ordinal}`,
    rank,
    score: -0.25,
    hits: [{ clip: "c9", caption: null, score: 0.5, right: false }],
  }));
  const store = async (): Promise<EvaluationRecord> => {
    const record = await add();
    await test.catalog.transaction((tx) => test.catalog.evaluationRanks.add(tx, record.id, RANKS));
    return record;
  };

  it("come back as they were, and to their tenant only", async () => {
    const { id } = await store();
    const { evaluationRanks } = test.catalog;
    expect(await evaluationRanks.list("a", id, "T2A", { order: "DATASET", limit: 9 })).toEqual(RANKS);
    expect(await evaluationRanks.count("a", id, "T2A")).toBe(5);
    expect(await evaluationRanks.measured("a", id, "T2A")).toEqual(
      RANKS.map(({ key, target, rank }) => ({ key, target, rank })),
    );
    expect(await evaluationRanks.list("b", id, "T2A", { order: "DATASET", limit: 9 })).toEqual([]);
    expect(await evaluationRanks.measured("b", id, "T2A")).toEqual([]);
    expect(await evaluationRanks.count("b", id, "T2A")).toBe(0);
    expect(await evaluationRanks.count("a", id, "A2T")).toBe(0);
  });

  it.each<[RankOrder, number[]]>([
    ["DATASET", [0, 1, 2, 3, 4]],
    ["BEST", [1, 3, 0, 2, 4]],
    ["WORST", [4, 2, 0, 1, 3]],
  ])("are paged in the order %s without a gap or a repeat, over ties", async (order, ordinals) => {
    const { id } = await store();
    const found: EvaluationRankRecord[] = [];
    for (;;) {
      const after = found.at(-1);
      const page = await test.catalog.evaluationRanks.list("a", id, "T2A", {
        order,
        limit: 2,
        ...(after && { after }),
      });
      if (page.length === 0) break;
      found.push(...page);
    }
    expect(found.map(({ ordinal }) => ordinal)).toEqual(ordinals);
  });

  it("keep texts that no database holds with a sign in their place", async () => {
    const record = await add({ notes: "a\0b" });
    const rank = { ...RANKS[0]!, query: "a\0b", hits: [{ clip: "\ud83d", caption: "c\0", score: 1, right: true }] };
    await test.catalog.transaction((tx) => test.catalog.evaluationRanks.add(tx, record.id, [rank]));
    const [stored] = await test.catalog.evaluationRanks.list("a", record.id, "T2A", { order: "DATASET", limit: 1 });
    expect(stored).toMatchObject({ query: "a\ufffdb", hits: [{ clip: "\ufffd", caption: "c\ufffd" }] });
    expect((await find(record))?.order.notes).toBe("a\ufffdb");
  });

  it("are rolled back with the transaction they were written in", async () => {
    const record = await add();
    const { catalog } = test;
    const many = Array.from({ length: 1200 }, (_, ordinal) => ({ ...RANKS[0]!, ordinal }));
    await expect(
      catalog.transaction(async (tx) => {
        await catalog.evaluationRanks.add(tx, record.id, many);
        throw new Error("in the middle");
      }),
    ).rejects.toThrow("in the middle");
    expect(await catalog.evaluationRanks.count("a", record.id, "T2A")).toBe(0);
    await catalog.transaction((tx) => catalog.evaluationRanks.add(tx, record.id, many));
    expect(await catalog.evaluationRanks.count("a", record.id, "T2A")).toBe(1200);
  });
});
