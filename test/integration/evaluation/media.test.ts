import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EvaluationRankRecord, EvaluationRecord } from "../../../src/catalog/index.js";
import type { EvaluationInput } from "../../../src/evaluation/index.js";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { openEvaluating, type EvaluatingEarshot } from "../../fixtures/evaluating.js";
import { quickIngest } from "../../fixtures/ingesting.js";
import { ABSENT_CLIPS, SOUND_CLIPS, writeSoundDataset } from "../../fixtures/sound-dataset.js";

let test: EvaluatingEarshot;
let sounds: string;
const noticed = ({ result }: EvaluationRecord) => result!.notices.map(({ code }) => code);
const byKey = (ranks: readonly EvaluationRankRecord[]) => Object.fromEntries(ranks.map(({ key, rank }) => [key, rank]));

beforeAll(async () => {
  test = await openEvaluating({ ingest: quickIngest });
  sounds = await writeSoundDataset(path.join(test.root, "sounds"), [...SOUND_CLIPS, ...ABSENT_CLIPS]);
});
afterAll(() => test.end());

describe("an evaluation of media, clips scored by their best segment", () => {
  let done: EvaluationRecord;
  /** What was told of it. */
  const told: EvaluationRecord[] = [];
  let isOver = false;
  const input: EvaluationInput = { dataset: "CUSTOM", source: { media: "sounds" } };

  beforeAll(async () => {
    const ended = new Promise<void>((resolve) => {
      test.earshot.evaluation.events.on("evaluation", (record) => {
        if (!isOver) told.push(record);
        if (record.state !== "COMPLETED") return;
        isOver = true;
        resolve();
      });
    });
    done = await test.evaluate(input);
    // Its row may be read before the process has told the end.
    await ended;
  });

  it("hears what the pack hears: the right clip first, and behind the better one where the caption is wrong", async () => {
    expect(done).toMatchObject({ state: "COMPLETED", packId: "tiny@1.0.0", order: { clipScoring: "BEST_SEGMENT" } });
    expect(byKey(await test.ranks(done, "T2A"))).toMatchObject({
      "turn#1": 1,
      "rumble#1": 1,
      "alarm#1": 1,
      // No word is known: all clips score the same, and the tie is averaged.
      "alarm#2": 2.5,
    });
    expect(byKey(await test.ranks(done, "T2A"))["odd#1"]).toBeGreaterThan(2);
    expect(noticed(done)).toEqual(["CLIPS_MISSING", "UNKNOWN_WORDS"]);
  });

  it("counts every clip that is missing, with the reason, and no path", () => {
    const { clips, pool, missing } = done.result!;
    expect([clips, pool]).toEqual([8, 4]);
    expect(missing).toMatchObject({ notFound: 1, unreadable: 1, withoutExpert: 1, withoutCaption: 1 });
    expect(missing.examples.map(({ clip }) => clip).sort()).toEqual(["damaged", "gone", "mute", "silent"]);
    expect(JSON.stringify(done.result)).not.toContain(test.root);
  });

  it("finds the moment of a caption whose time is known", () => {
    expect(done.result!.moments).toMatchObject({
      queries: 1,
      recallAt1: { "0.3": { value: 1 }, "0.5": { value: 1 } },
    });
  });

  it("says how long the media are and what each stage took", () => {
    const { timings } = done.result!;
    expect(timings.mediaSeconds).toBeCloseTo(24 + 4 + 5 + 4, 0);
    for (const stage of ["preparing", "encodingClips", "encodingCaptions", "scoring"] as const)
      expect(timings[`${stage}Seconds`]).toBeGreaterThan(0);
  });

  it("tells its progress, which never goes back, and ends with the figures", () => {
    expect(told[0]).toMatchObject({ state: "PENDING", stage: "QUEUED", progress: 0, result: null });
    const progress = told.map((record) => record.progress);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    const stages = [...new Set(told.map(({ stage }) => stage))];
    expect(stages).toEqual(["QUEUED", "PREPARING", "ENCODING_CLIPS", "ENCODING_CAPTIONS", "SCORING", "COMMITTING"]);
    for (const record of told.slice(0, -1)) expect(record.result).toBeNull();
    expect(told.at(-1)).toEqual(done);
  });

  it("leaves no vectors on the disk", async () => {
    expect(await readdir(path.join(test.earshot.options.dataDirectory, "evaluations"))).toEqual([]);
  });

  it("gives the same figures and the same hash again, and another hash once a file has changed", async () => {
    const again = await test.evaluate(input);
    expect(again.provenanceHash).toBe(done.provenanceHash);
    expect({ ...again.result, timings: null }).toEqual({ ...done.result, timings: null });
    const others = SOUND_CLIPS.map((clip) => (clip.id === "odd" ? { ...clip, sound: SOUND_CLIPS[1]!.sound! } : clip));
    await writeSoundDataset(path.join(test.root, "changed"), [...others, ...ABSENT_CLIPS]);
    const changed = await test.evaluate({ ...input, source: { media: "changed" } });
    expect(changed.datasetVersion).toBe(done.datasetVersion);
    expect(changed.provenanceHash).not.toBe(done.provenanceHash);
  });

  it("needs no captions beside the media where they lie elsewhere", async () => {
    const { provenanceHash } = await test.evaluate({ ...input, captions: "sounds/clips.jsonl" });
    expect(provenanceHash).toBe(done.provenanceHash);
  });
});

describe("an evaluation of whole clips", () => {
  it("measures no moments, and says why", async () => {
    const done = await test.evaluate({ dataset: "CUSTOM", source: { media: "sounds" }, clipScoring: "WHOLE_CLIP" });
    expect(byKey(await test.ranks(done, "T2A"))).toMatchObject({ "rumble#1": 1, "alarm#1": 1 });
    expect(done.result!.moments).toBeNull();
    expect(noticed(done)).toContain("MOMENTS_NEED_SEGMENTS");
  });
});

describe("an evaluation of more clips and captions than can be scored", () => {
  it("is refused before a clip is decoded", async () => {
    const media = "many.wav";
    const lines = Array.from({ length: 16_400 }, (_, i) =>
      JSON.stringify({ id: `${i}`, captions: [`sound ${i}`], media }),
    );
    const folder = path.join(test.root, "many");
    await mkdir(folder);
    await writeFile(path.join(folder, "clips.jsonl"), lines.join("\n"));
    await copyFile(path.join(sounds, "turn.wav"), path.join(folder, media));
    const stages = new Set<string>();
    test.earshot.evaluation.events.on("evaluation", ({ stage }) => stages.add(stage));
    const ended = await test.evaluate({ dataset: "CUSTOM", source: { media: "many" } });
    expect(ended).toMatchObject({ state: "FAILED", errorCode: "EVALUATION_TOO_LARGE", attempts: 1 });
    expect(stages).not.toContain("ENCODING_CLIPS");
  });
});

describe("an evaluation of the index", () => {
  const input: EvaluationInput = { dataset: "CUSTOM", source: { index: true }, captions: "sounds" };
  let fromMedia: EvaluationRecord;
  let done: EvaluationRecord;

  beforeAll(async () => {
    const { ingest } = test.earshot;
    await ingest.start();
    // One by its id, one with a suffix, one in a folder as well; and one that is no clip.
    const externalIds = { turn: "turn", rumble: "rumble.wav", alarm: "films/alarm.wav", odd: "odd" };
    for (const [name, externalId] of [...Object.entries(externalIds), ["mute", "another"] as const]) {
      const file = path.join(test.media, `${name}.wav`);
      await copyFile(path.join(sounds, `${name}.wav`), file);
      const { id } = await ingest.submit({ source: { path: file }, externalId }, DEFAULT_TENANT);
      expect(await ingest.waitFor(DEFAULT_TENANT, id)).toMatchObject({ state: "COMPLETED" });
    }
    fromMedia = await test.evaluate({ dataset: "CUSTOM", source: { media: "sounds" } });
    done = await test.evaluate(input);
  });

  it("gives the ranks and moments that the same media give, of the clips that are indexed", async () => {
    expect(done).toMatchObject({ state: "COMPLETED", errorMessage: null });
    for (const direction of ["T2A", "A2T"] as const) {
      const [expected, found] = await Promise.all([test.ranks(fromMedia, direction), test.ranks(done, direction)]);
      expect(byKey(found)).toEqual(byKey(expected));
    }
    expect(done.result!.moments).toEqual(fromMedia.result!.moments);
    expect(done.result).toMatchObject({ clips: 8, pool: 4, missing: { notFound: 3, withoutCaption: 1 } });
    expect(done.result!.timings).toMatchObject({ encodingClipsSeconds: 0, mediaSeconds: null });
  });

  it("ranks as a search does", async () => {
    const { search } = test.earshot;
    for (const { query, hits } of (await test.ranks(done, "T2A")).slice(0, 3)) {
      const page = await search.search({ tenant: DEFAULT_TENANT, query, first: 10, momentsPerVideo: 1 });
      const names = page.hits
        .map(({ video }) => path.parse(video.externalId!).name)
        .filter((name) => name !== "another");
      expect(hits.map(({ clip }) => clip)).toEqual(names);
      expect(hits[0]!.score).toBeCloseTo(page.hits[0]!.score, 6);
    }
  });

  it("sees the videos of its tenant only", async () => {
    const { evaluation } = test.earshot;
    const { id } = await evaluation.submit(input, "another tenant");
    const ended = await evaluation.waitFor("another tenant", id);
    expect(ended).toMatchObject({ state: "FAILED", errorCode: "DATASET_EMPTY", result: null });
    expect(ended.errorMessage).toMatch(/7 not found/);
  });

  it("ends when the vectors are not those of the videos, instead of being tried for ever", async () => {
    const { catalog, vectors, pack } = test.earshot;
    const odd = (await catalog.videos.indexed(DEFAULT_TENANT)).find(({ externalId }) => externalId === "odd")!;
    const written = await catalog.transaction((tx) => vectors.deleteVideo(pack.id, odd.id, tx));
    await written.publish();
    const ended = await test.evaluate(input);
    expect(ended).toMatchObject({
      state: "FAILED",
      errorCode: "EVALUATION_LIBRARY_CHANGED",
      attempts: 3,
      result: null,
    });
    expect(ended.errorMessage).toMatch(/found 3 of 4 videos/);
  });
});
