import { mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newId, openCatalog, type EvaluationRecord } from "../../../src/catalog/index.js";
import type { EvaluationInput } from "../../../src/evaluation/index.js";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { createEarshot, type Earshot, type EarshotOptions } from "../../../src/index.js";
import { databaseOf } from "../../fixtures/database.js";
import { TEST_PACK } from "../../fixtures/earshot.js";
import { quickEvaluation } from "../../fixtures/evaluating.js";
import { runAndKill } from "../../fixtures/killed-process.js";
import { writeSoundDataset } from "../../fixtures/sound-dataset.js";
import { noise } from "../../fixtures/sounds.js";
import { silentLogger } from "../../fixtures/tools.js";

const WORDS = ["rumble", "hum", "alarm", "whistle", "hiss", "tone"];
const INPUT: EvaluationInput = { dataset: "CUSTOM", source: { media: "." } };

type Update = Pick<EvaluationRecord, "state" | "stage" | "progress">;

let root: string;
let options: EarshotOptions;
/** What the evaluation gives when nobody disturbs it. */
let undisturbed: Awaited<ReturnType<typeof outcome>>;

beforeAll(async () => {
  root = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-crash-")));
  const clips = Array.from({ length: 24 }, (_, i) => {
    return { id: `clip-${i}`, captions: [`the ${WORDS[i % WORDS.length]!}`], sound: noise(48_000, i) };
  });
  await writeSoundDataset(path.join(root, "sounds"), clips);
  options = await optionsOf("undisturbed");
  undisturbed = await withEarshot(async (earshot) => {
    await earshot.evaluation.submit(INPUT, DEFAULT_TENANT);
    return outcome(earshot);
  });
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  options = await optionsOf(newId());
});
async function optionsOf(name: string): Promise<EarshotOptions> {
  const dataDirectory = path.join(root, name);
  return {
    dataDirectory,
    databaseUrl: await databaseOf(dataDirectory),
    modelPack: TEST_PACK,
    logLevel: "silent",
    inference: { threads: 1 },
    evaluation: { roots: [path.join(root, "sounds")], ...quickEvaluation },
  };
}

async function withEarshot<T>(work: (earshot: Earshot) => Promise<T>): Promise<T> {
  const earshot = await createEarshot(options);
  try {
    return await work(earshot);
  } finally {
    await earshot.close();
  }
}

/** Lets the one evaluation end, and tells what there is of it. */
async function outcome({ catalog, evaluation }: Earshot) {
  await evaluation.start();
  const [{ id }] = (await catalog.evaluations.list(DEFAULT_TENANT, {}, 10)) as [EvaluationRecord];
  const { state, attempts, errorCode, result, provenanceHash } = await evaluation.waitFor(DEFAULT_TENANT, id);
  await evaluation.stop();
  const whole = { order: "DATASET", limit: 1000 } as const;
  const [toAudio, toText] = await Promise.all([
    catalog.evaluationRanks.list(DEFAULT_TENANT, id, "T2A", whole),
    catalog.evaluationRanks.list(DEFAULT_TENANT, id, "A2T", whole),
  ]);
  return {
    record: { state, attempts, errorCode },
    figures: { provenanceHash, result: result && { ...result, timings: null }, toAudio, toText },
    spools: await readdir(path.join(options.dataDirectory!, "evaluations")).catch(() => []),
  };
}

/** Submits the evaluation in a process and kills that, without warning, at the first update that fits. */
function killAt(fits: (update: Update) => boolean): Promise<void> {
  return runAndKill("evaluation-process.mjs", [JSON.stringify(options), JSON.stringify(INPUT)], fits);
}

/** What a reader sees of the evaluation at this moment: all of its figures, or none. */
async function seen() {
  const catalog = await openCatalog({ databaseUrl: options.databaseUrl! }, silentLogger);
  try {
    const [{ id, state, result }] = (await catalog.evaluations.list(DEFAULT_TENANT, {}, 10)) as [EvaluationRecord];
    const ranks = await catalog.evaluationRanks.count(DEFAULT_TENANT, id, "T2A");
    return { state, whole: result !== null && ranks === 24, nothing: result === null && ranks === 0 };
  } finally {
    await catalog.close();
  }
}

describe("a process that is killed in the middle of an evaluation", () => {
  it.each(["ENCODING_CLIPS", "COMMITTING"] as const)(
    "at the stage %s leaves no half figure, and the next one ends it alike",
    async (stage) => {
      await killAt((update) => update.stage === stage && (stage === "COMMITTING" || update.progress > 0.1));
      const { state, whole, nothing } = await seen();
      expect(state === "COMPLETED" ? whole : nothing).toBe(true);
      const found = await withEarshot(outcome);
      expect(found.record).toMatchObject({ state: "COMPLETED", errorCode: null });
      if (stage === "ENCODING_CLIPS") expect(found.record.attempts).toBe(2);
      expect(found.figures).toEqual(undisturbed.figures);
      expect(found.spools).toEqual([]);
    },
  );
});

describe("an evaluation whose process ended", () => {
  it.each([
    [1, "FAILED", "EVALUATION_CRASHED"],
    [2, "COMPLETED", null],
  ] as const)("with %i attempts allowed ends as %s", async (maxAttempts, state, errorCode) => {
    options = { ...options, evaluation: { ...options.evaluation, maxAttempts, leaseSeconds: 0.5 } };
    const found = await withEarshot(async (earshot) => {
      const { catalog, evaluation } = earshot;
      await evaluation.submit(INPUT, DEFAULT_TENANT);
      const expiresAt = new Date(Date.now() - 1000);
      await catalog.evaluations.claim({ workerId: `elsewhere/1/1/1/${newId()}`, expiresAt }, new Date());
      return outcome(earshot);
    });
    expect(found.record).toEqual({ state, attempts: maxAttempts, errorCode });
    if (state === "COMPLETED") expect(found.figures).toEqual(undisturbed.figures);
    else expect(found.figures).toMatchObject({ result: null, toAudio: [], toText: [] });
  });
});

/** Resolves when the running evaluation encodes clips. */
function encoding({ evaluation }: Earshot): Promise<EvaluationRecord> {
  return new Promise((resolve) => {
    evaluation.events.on("evaluation", (record) => {
      if (record.stage === "ENCODING_CLIPS") resolve(record);
    });
  });
}

describe("an evaluation that is cancelled", () => {
  it("while it runs stops and leaves no figure and no vectors", async () => {
    const found = await withEarshot(async (earshot) => {
      const { evaluation } = earshot;
      await evaluation.submit(INPUT, DEFAULT_TENANT);
      const runs = encoding(earshot);
      await evaluation.start();
      const { id } = await runs;
      expect(await evaluation.cancel(DEFAULT_TENANT, id)).toMatchObject({ state: "CANCELLED", result: null });
      // It stays what it is.
      expect(await evaluation.cancel(DEFAULT_TENANT, id)).toMatchObject({ state: "CANCELLED" });
      await evaluation.stop();
      return outcome(earshot);
    });
    expect(found).toMatchObject({
      record: { state: "CANCELLED", attempts: 1 },
      figures: { result: null, toAudio: [], toText: [] },
      spools: [],
    });
  });

  it("while it waits is never begun, and one that is not the tenant's is not found", async () => {
    await withEarshot(async ({ evaluation }) => {
      const { id } = await evaluation.submit(INPUT, DEFAULT_TENANT);
      await expect(evaluation.cancel("another", id)).rejects.toMatchObject({ code: "EVALUATION_NOT_FOUND" });
      await expect(evaluation.waitFor("another", id)).rejects.toMatchObject({ code: "EVALUATION_NOT_FOUND" });
      await evaluation.cancel(DEFAULT_TENANT, id);
      await evaluation.start();
      expect(await evaluation.waitFor(DEFAULT_TENANT, id)).toMatchObject({ state: "CANCELLED", attempts: 0 });
    });
  });
});

describe("a process that ends in order", () => {
  it("gives the running evaluation back, which goes on behind the clips that were done", async () => {
    await withEarshot(async (earshot) => {
      await earshot.evaluation.submit(INPUT, DEFAULT_TENANT);
      const runs = encoding(earshot);
      await earshot.evaluation.start();
      await runs;
    });
    expect(await seen()).toMatchObject({ state: "PENDING", nothing: true });
    const found = await withEarshot(outcome);
    expect(found.record).toEqual({ state: "COMPLETED", attempts: 1, errorCode: null });
    expect(found.figures).toEqual(undisturbed.figures);
  });
});
