import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EvaluationInput } from "../../../src/evaluation/index.js";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { said } from "../../fixtures/dataset-files.js";
import { openTestEarshot, TEST_PACK, type TestEarshot } from "../../fixtures/earshot.js";
import { IMPORTED_PACK } from "../../fixtures/imported-pack.js";
import { writeNeutralDataset } from "../../fixtures/neutral-writer.js";

let test: TestEarshot;
let root: string;
let outside: string;

const media: EvaluationInput = { dataset: "CUSTOM", source: { media: "sounds" } };
const index: EvaluationInput = { dataset: "CUSTOM", source: { index: true }, captions: "sounds" };
const submit = (input: EvaluationInput) => test.earshot.evaluation.submit(input, DEFAULT_TENANT);
const any = (fields: Record<string, unknown>) => ({ ...media, ...fields });

beforeAll(async () => {
  root = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-root-")));
  outside = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-outside-")));
  const line = JSON.stringify({ id: "a", captions: ["a hum"] });
  for (const folder of [path.join(root, "sounds"), path.join(outside, "sounds")]) {
    await mkdir(folder);
    await writeFile(path.join(folder, "clips.jsonl"), line);
  }
  await mkdir(path.join(root, "empty"));
  await symlink(path.join(outside, "sounds"), path.join(root, "link"));
  await symlink(IMPORTED_PACK, path.join(outside, "pack"));
  await writeNeutralDataset(path.join(root, "clotho"), {
    name: "clotho",
    clips: [{ id: "a", captions: ["x"] }],
    experts: {},
  });
  test = await openTestEarshot({ evaluation: { roots: [root, path.dirname(IMPORTED_PACK)] } });
});
afterAll(async () => {
  expect(await test.earshot.catalog.evaluations.count(DEFAULT_TENANT, { state: "RUNNING" })).toBe(0);
  await test.end();
  await Promise.all([root, outside].map((folder) => rm(folder, { recursive: true })));
});

describe("an evaluation that is submitted", () => {
  it("is queued with the defaults of its source", async () => {
    const record = await submit({ ...media, source: { features: null, media: "sounds", index: false } });
    expect(record).toMatchObject({
      tenant: DEFAULT_TENANT,
      state: "PENDING",
      stage: "QUEUED",
      progress: 0,
      result: null,
    });
    expect(record.order).toEqual({
      dataset: "CUSTOM",
      split: "test",
      source: { kind: "media", path: path.join(root, "sounds"), captions: null },
      packPath: null,
      experts: null,
      directions: ["T2A", "A2T"],
      clipScoring: "BEST_SEGMENT",
      seed: 0,
      series: null,
      notes: null,
    });
    expect((await submit(index)).order).toMatchObject({
      source: { kind: "index", captions: path.join(root, "sounds") },
      clipScoring: "BEST_SEGMENT",
    });
  });

  it("takes the experts and directions in their own order, and all of them as none named", async () => {
    expect((await submit(any({ experts: ["vggsound"], directions: ["A2T", "T2A"] }))).order).toMatchObject({
      experts: ["vggsound"],
      directions: ["T2A", "A2T"],
    });
    expect((await submit(any({ experts: ["vggsound", "vggish"] }))).order.experts).toBeNull();
    expect((await submit({ ...index, experts: ["vggish", "vggsound"] })).order.experts).toBeNull();
  });

  it("knows the pack in use by its id, by its folder's name and by its folder", async () => {
    for (const modelPack of ["tiny@1.0.0", "tiny-pack", TEST_PACK]) {
      expect((await submit({ ...media, modelPack })).order.packPath).toBeNull();
    }
    expect((await submit({ ...media, modelPack: "imported-pack" })).order.packPath).toBe(IMPORTED_PACK);
  });
});

describe("an evaluation that cannot be", () => {
  it.each([
    [{ dataset: "IMAGENET" }, "dataset", "is not a benchmark"],
    [{ split: "" }, "split", "may hold"],
    [{ split: "../test" }, "split", "may hold"],
    [{ split: "a/b" }, "split", "may hold"],
    [{ split: "x".repeat(101) }, "split", "may hold"],
    [{ source: {} }, "source", "exactly one"],
    [{ source: { media: "sounds", features: "sounds" } }, "source", "exactly one"],
    [{ source: { media: "sounds", index: true } }, "source", "exactly one"],
    [{ source: { index: false } }, "source", "exactly one"],
    [{ source: { media: "" } }, "source.media", "must not be empty"],
    [{ source: { media: "x".repeat(5000) } }, "source.media", "4096"],
    [{ source: { index: true }, captions: null }, "captions", "holds no captions"],
    [{ experts: [] }, "experts", "must not be empty"],
    [{ experts: ["vggish", "vggish"] }, "experts", "twice"],
    [{ directions: [] }, "directions", "must not be empty"],
    [{ directions: ["T2A", "T2A"] }, "directions", "twice"],
    [{ directions: ["T2V"] }, "directions", "neither T2A nor A2T"],
    [{ clipScoring: "WORST_SEGMENT" }, "clipScoring", "neither"],
    [{ source: { features: "sounds" }, clipScoring: "BEST_SEGMENT" }, "clipScoring", "only be scored as WHOLE_CLIP"],
    [{ ...index, clipScoring: "WHOLE_CLIP" }, "clipScoring", "only be scored as BEST_SEGMENT"],
    [{ ...index, experts: ["vggish"] }, "experts", "made with all experts"],
    [{ ...index, modelPack: "imported-pack" }, "modelPack", "made with the model pack in use"],
    [{ seed: -1 }, "seed", "must not be negative"],
    [{ seed: 0.5 }, "seed", "whole number"],
    [{ seed: NaN }, "seed", ""],
    [{ seed: 2 ** 53 }, "seed", "whole number"],
    [{ series: " " }, "series", "must not be empty"],
    [{ series: "x".repeat(201) }, "series", "200"],
    [{ notes: "x".repeat(10_001) }, "notes", "10000"],
    [{ speed: 3 }, "input", ""],
  ])("for %j is refused at once, by its field %s", async (fields, field, reason) => {
    await expect(submit(any(fields))).rejects.toMatchObject({
      code: "INVALID_EVALUATION_INPUT",
      field,
      message: said(new RegExp(reason)),
    });
  });

  it.each([
    ["a folder that is not there", { source: { media: "nowhere" } }, "DATASET_NOT_FOUND", "source.media"],
    ["captions that are not there", { captions: "nowhere" }, "DATASET_NOT_FOUND", "captions"],
    ["a folder without a data set", { source: { media: "empty" } }, "DATASET_NOT_FOUND", undefined],
    ["media as features", { source: { features: "sounds" } }, "DATASET_NOT_FOUND", undefined],
    [
      "another benchmark's data set",
      { dataset: "AUDIOCAPS", source: { media: "clotho" } },
      "DATASET_NOT_FOUND",
      undefined,
    ],
    ["a split that is not there", { split: "val" }, "DATASET_SPLIT_NOT_FOUND", "split"],
    ["an expert that the pack lacks", { experts: ["vggish", "speech"] }, "EXPERT_UNKNOWN", "experts"],
    ["an expert of the other pack", { experts: ["inst"], modelPack: "tiny-pack" }, "EXPERT_UNKNOWN", "experts"],
    ["a pack that is not there", { modelPack: "no-pack" }, "PACK_NOT_FOUND", "modelPack"],
    ["a folder that is no pack", { modelPack: "sounds" }, "PACK_NOT_FOUND", undefined],
  ])("for %s is refused at once", async (_, fields, code, field) => {
    await expect(submit(any(fields))).rejects.toMatchObject({ code, ...(field === undefined ? {} : { field }) });
  });

  it("for a path outside the roots gets one answer, whether or not something is there", async () => {
    const sounds = path.join(outside, "sounds");
    const cases: [Record<string, unknown>, string][] = [
      [{ source: { media: sounds } }, "source.media"],
      [{ source: { media: path.join(outside, "nothing") } }, "source.media"],
      [{ source: { features: sounds } }, "source.features"],
      [{ source: { media: "link" } }, "source.media"],
      [{ source: { media: path.join("..", path.basename(outside), "sounds") } }, "source.media"],
      [{ source: { media: "sounds\0" } }, "source.media"],
      [{ captions: sounds }, "captions"],
      [{ captions: path.join(outside, "nothing") }, "captions"],
      [{ modelPack: path.join(outside, "nothing") }, "modelPack"],
      [{ modelPack: path.dirname(root) }, "modelPack"],
    ];
    for (const [fields, field] of cases) {
      const error = (await submit(any(fields)).catch((thrown: unknown) => thrown)) as Error;
      expect(error).toMatchObject({
        code: "EVALUATION_PATH_OUTSIDE_ROOTS",
        field,
        message: "The path is not inside an evaluation root of this server.",
      });
    }
  });

  it("because no root is configured says which option to set", async () => {
    const other = await openTestEarshot();
    try {
      const { evaluation } = other.earshot;
      await expect(evaluation.submit({ ...media, source: { media: root } }, DEFAULT_TENANT)).rejects.toMatchObject({
        code: "EVALUATION_PATH_OUTSIDE_ROOTS",
        message: said(/EARSHOT_EVALUATION_ROOTS/),
      });
    } finally {
      await other.end();
    }
  });
});
