import { appendFile, copyFile, cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createEncoder, queryVector, type EncodedSegment } from "../../../src/encoding/index.js";
import { encodeClips, type ClipParts, type ClipWork, type EncodedClips } from "../../../src/evaluation/clips/index.js";
import type { InferencePool } from "../../../src/models/index.js";
import { datasetOf, featuresOf } from "../../fixtures/clip-datasets.js";
import { openClipParts, vectorsOf } from "../../fixtures/clip-encoding.js";
import { writeDecoder } from "../../fixtures/decoder-script.js";
import { writeWav } from "../../fixtures/media-files.js";
import { sample, type SampleName } from "../../fixtures/media-samples.js";
import { inChunks, inTurn, noise, silence, tone } from "../../fixtures/sounds.js";
import { TINY_PACK, WATCHING_PACK } from "../../fixtures/tiny-pack.js";
import { bundledTools } from "../../fixtures/tools.js";

type Parts = ClipParts & { inference: InferencePool };

const tools = await bundledTools();
let data: string;
let hearing: Parts;
let seeing: Parts;
let folder: string;

beforeAll(async () => {
  data = await mkdtemp(path.join(tmpdir(), "earshot-clips-"));
  [hearing, seeing] = await Promise.all([openClipParts(TINY_PACK, data), openClipParts(WATCHING_PACK, data)]);
}, 60_000);
afterAll(async () => {
  await Promise.all([hearing.inference.close(), seeing.inference.close()]);
  await rm(data, { recursive: true });
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(data, "vectors-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const whole = (file: string) => ({ file, startSeconds: null, endSeconds: null });

function mediaWork(
  media: Extract<ClipWork["source"], { kind: "media" }>["media"],
  more: Partial<ClipWork> = {},
): ClipWork {
  return {
    dataset: datasetOf(media.map((_, place) => `clip-${place}`)),
    source: { kind: "media", media, fingerprint: "", tools },
    scoring: "BEST_SEGMENT",
    experts: null,
    folder,
    ...more,
  };
}

async function encode(parts: Parts, work: ClipWork): Promise<EncodedClips & { progress: number[] }> {
  const progress: number[] = [];
  const found = await encodeClips(parts, work, (done) => progress.push(done), new AbortController().signal);
  return { ...found, progress };
}

/** Sounds of several lengths, as files. */
async function soundFiles(): Promise<string[]> {
  const sounds = [
    tone(250, 40_000),
    inTurn(noise(100_000, 1), silence(150_000), noise(70_000, 2)),
    noise(5_000, 3),
    tone(4_000, 130_000),
    noise(61_440, 4),
  ];
  return Promise.all(sounds.map((sound, i) => writeWav(path.join(data, "sounds", `${i}.wav`), sound)));
}

const bytesOf = async (spool: string) =>
  Promise.all(
    ["rows.f32", "clips.jsonl"].map(async (name) => (await readFile(path.join(spool, name))).toString("hex")),
  );

describe("encoding the media of a data set", { timeout: 60_000 }, () => {
  it("gives the rows of every clip's segments, as an ingest cuts them", async () => {
    const files = await soundFiles();
    const found = await encode(hearing, mediaWork(files.map(whole)));
    expect([...found.pool]).toEqual([0, 1, 2, 3, 4]);
    const vectors = await vectorsOf(found);
    const sounds = inTurn(noise(100_000, 1), silence(150_000), noise(70_000, 2));
    // As the file has it: 16 bits.
    const heard = sounds.map((value) => Math.round(value * 32767) / 32768);
    const expected: EncodedSegment[] = [];
    for await (const group of hearing.encoder.encodeAudio(inChunks(heard, 9_000))) expected.push(...group);
    const rows = [...found.rows.clipOfRow.keys()].filter((row) => found.rows.clipOfRow[row] === 1);
    expect(rows.map((row) => found.ordinals![row])).toEqual(expected.map(({ index }) => index));
    expect(rows.map((row) => [...found.times!.subarray(2 * row, 2 * row + 2)])).toEqual(
      expected.map(({ startSeconds, endSeconds }) => [startSeconds, endSeconds]),
    );
    rows.forEach((row, i) => {
      expect(found.rows.patterns[row]).toBe(expected[i]!.pattern);
      vectors[row]!.forEach((value, d) => expect(Math.abs(value - expected[i]!.vector[d]!)).toBeLessThan(1e-5));
    });
    expect(found.mediaSeconds).toBeCloseTo((40_000 + 320_000 + 5_000 + 130_000 + 61_440) / 16_000, 3);
    expect([found.progress[0], found.progress.at(-1)]).toEqual([0, 5]);
  });

  it("gives one row of a whole clip", async () => {
    const files = await soundFiles();
    const found = await encode(hearing, mediaWork(files.map(whole), { scoring: "WHOLE_CLIP" }));
    expect([...found.rows.clipOfRow]).toEqual([0, 1, 2, 3, 4]);
    expect([found.times, found.ordinals]).toEqual([null, null]);
    const [first] = await vectorsOf(found);
    const heard = tone(250, 40_000).map((value) => Math.round(value * 32767) / 32768);
    const expected = await hearing.encoder.encodeClip({ sound: inChunks(heard, 9_000) });
    first!.forEach((value, d) => expect(Math.abs(value - expected!.vector[d]!)).toBeLessThan(1e-5));
  });

  it("decodes the part of a file that is the clip", async () => {
    const file = await sample("colours.mp4");
    const media = [
      { file, startSeconds: 0, endSeconds: 2.5 },
      { file, startSeconds: 3.5, endSeconds: 6 },
      { file, startSeconds: 3.5, endSeconds: null },
    ];
    const found = await encode(seeing, mediaWork(media, { scoring: "WHOLE_CLIP" }));
    const vectors = await vectorsOf(found);
    const query = queryVector(await seeing.encoder.encodeText("blue"), 1);
    const scores = vectors.map((vector) => vector.reduce((sum, value, i) => sum + value * query[i]!, 0));
    expect(scores[0]).toBeLessThan(0.3);
    for (const score of scores.slice(1)) expect(score).toBeGreaterThan(0.9);
    expect(found.mediaSeconds).toBeCloseTo(7.5, 1);
  });

  it("counts the clips that it cannot take, with a few examples, and goes on with the others", async () => {
    const names: SampleName[] = [
      "text.mp4",
      "empty.mp4",
      "truncated-no-index.mp4",
      "picture.png",
      "silent.wav",
      "no-audio.mp4",
    ];
    const files = await Promise.all(names.map((name) => sample(name)));
    const media = [
      whole(await sample("tone.wav")),
      ...files.map(whole),
      ...[null, null, null, null],
      whole(path.join(data, "gone.wav")),
      { file: await sample("tone.wav"), startSeconds: 60, endSeconds: 70 },
      whole(await sample("whistle.mp4")),
    ];
    const dataset = datasetOf(media.map((_, place) => `clip-${place}`));
    const clips = [...dataset.clips, { id: "no-caption", captions: [], media: [], row: 14 }];
    const found = await encode(
      hearing,
      mediaWork([...media, whole(await sample("tone.wav"))], { dataset: { ...dataset, clips } }),
    );
    expect([...found.pool]).toEqual([0, 13]);
    expect(found.missing).toMatchObject({ notFound: 5, unreadable: 5, withoutExpert: 2, withoutCaption: 1 });
    const reasons = found.missing.examples.map(({ clip, reason }) => `${clip} ${reason}`);
    expect(reasons).toEqual([
      expect.stringMatching(/^clip-1 MEDIA_UNREADABLE: /),
      expect.stringMatching(/^clip-2 MEDIA_EMPTY: /),
      expect.stringMatching(/^clip-3 MEDIA_TRUNCATED: /),
      expect.stringMatching(/^clip-4 MEDIA_FORMAT_UNSUPPORTED: /),
      expect.stringMatching(/^clip-5 MEDIA_SILENT: /),
      expect.stringMatching(/^clip-6 MEDIA_NO_AUDIO: /),
      "clip-7 There is no file of its name.",
      "clip-8 There is no file of its name.",
      "clip-9 There is no file of its name.",
      "clip-11 Its file is gone.",
      expect.stringMatching(/^clip-12 MEDIA_TRUNCATED: /),
      "no-caption It has no caption.",
    ]);
    expect(reasons.join()).not.toContain(path.sep + "tmp");
  });

  it("gives a clip the same rows whatever its neighbours are", async () => {
    const files = await soundFiles();
    const alone = await encode(hearing, mediaWork(files.map(whole), { folder: path.join(folder, "alone") }));
    // They are decoded together, which the text makes fail.
    const mixed = [files[0]!, await sample("text.mp4"), ...files.slice(1), await sample("tone.mp4")];
    const found = await encode(hearing, mediaWork(mixed.map(whole), { folder: path.join(folder, "mixed") }));
    expect([...found.pool]).toEqual([0, 2, 3, 4, 5, 6]);
    const vectors = await vectorsOf(alone);
    expect((await vectorsOf(found)).slice(0, vectors.length)).toEqual(vectors);
  });

  it("takes clips without captions where the data set has relevance queries", async () => {
    const media = [whole(await sample("tone.wav")), whole(await sample("whistle.mp4"))];
    const { clips, ...rest } = datasetOf(["a", "b"]);
    const silent = { ...rest, clips: clips.map((clip) => ({ ...clip, captions: [] })) };
    const queries = [{ name: "rumble", texts: ["a rumble"], relevant: [0] }];
    const relevance = [{ name: "labels", queries }];
    expect([...(await encode(hearing, mediaWork(media, { dataset: silent }))).pool]).toEqual([]);
    const found = await encode(hearing, mediaWork(media, { dataset: { ...silent, relevance, version: "2" } }));
    expect([...found.pool]).toEqual([0, 1]);
  });

  it("takes no file that is larger than allowed, however small", async () => {
    const { options } = hearing;
    const narrow = { ...hearing, options: { ...options, limits: { ...options.limits, maxFileBytes: 100 } } };
    const found = await encode(narrow, mediaWork([whole(await sample("tone.wav"))]));
    expect(found.missing.examples[0]!.reason).toMatch(/^MEDIA_TOO_LARGE: /);
  });

  it("tries a decoder that crashed once more, and no more", async () => {
    const attempts = async (name: string, onFrames: string) => {
      const ffmpeg = await writeDecoder(path.join(data, name), onFrames);
      const source = {
        kind: "media",
        media: [whole(await sample("colours.mp4"))],
        fingerprint: "",
        tools: { ...tools, ffmpeg },
      } as const;
      const work = { ...mediaWork([]), dataset: datasetOf(["a"]), source, folder: path.join(folder, name) };
      return encode(seeing, { ...work, scoring: "WHOLE_CLIP" });
    };
    const flag = path.join(data, "crashed");
    const once = await attempts("crashes-once", `if [ ! -e '${flag}' ]; then touch '${flag}'; kill -SEGV $$; fi`);
    expect([...once.pool]).toEqual([0]);
    const always = await attempts("crashes", "kill -SEGV $$");
    expect(always.missing).toMatchObject({ unreadable: 1 });
    expect(always.missing.examples[0]!.reason).toMatch(/^MEDIA_DECODER_CRASHED: /);
    expect((await readFile(path.join(data, "crashes.log"), "utf8")).trim().split("\n")).toHaveLength(2);
  });

  it("ends when there is no ffmpeg to start, instead of calling every file unreadable", async () => {
    const source = {
      kind: "media",
      media: [whole(await sample("tone.wav"))],
      fingerprint: "",
      tools: { ...tools, ffmpeg: path.join(data, "nowhere") },
    } as const;
    await expect(encode(hearing, { ...mediaWork([]), dataset: datasetOf(["a"]), source })).rejects.toMatchObject({
      code: "FFMPEG_UNAVAILABLE",
    });
  });

  it("ends with the models' failure", async () => {
    const parts = await openClipParts(TINY_PACK, data);
    await parts.inference.close();
    await expect(encode(parts, mediaWork([whole(await sample("tone.wav"))]))).rejects.toMatchObject({
      code: "INFERENCE_CLOSED",
    });
  });
});

describe("encoding the features of a data set", { timeout: 60_000 }, () => {
  const tokens = (count: number, seed: number) => noise(8 * count, seed).map(Math.abs);
  const vggish = Array.from({ length: 150 }, (_, i) => (i % 7 === 0 ? null : tokens((i % 6) + 1, i)));
  const vggsound = Array.from({ length: 150 }, (_, i) => (i % 21 === 0 ? null : tokens((i % 14) + 1, 500 + i)));
  const ids = vggish.map((_, i) => `clip-${i}`);
  const features = { vggish: featuresOf(8, vggish), vggsound: featuresOf(8, vggsound), other: featuresOf(3, []) };
  const work = (more: Partial<ClipWork> = {}): ClipWork => ({
    dataset: datasetOf(ids, { features }),
    source: { kind: "features" },
    scoring: "WHOLE_CLIP",
    experts: null,
    folder,
    ...more,
  });

  it("gives each clip one row, made of the experts it has", async () => {
    const found = await encode(hearing, work());
    const vectors = await vectorsOf(found);
    const clips = ids.map((_, i) => ({ vggish: vggish[i]!, vggsound: vggsound[i]! }));
    const expected = await hearing.encoder.encodeFeatures(clips);
    expect(found.missing).toMatchObject({ withoutExpert: 8, notFound: 0 });
    expect(found.pool).toHaveLength(142);
    expect(found.mediaSeconds).toBeNull();
    found.pool.forEach((place, row) => {
      expect(found.rows.patterns[row]).toBe(expected[place]!.pattern);
      vectors[row]!.forEach((value, d) => expect(Math.abs(value - expected[place]!.vector[d]!)).toBeLessThan(1e-5));
    });
    expect([...new Set(found.rows.patterns)].sort()).toEqual([0b10, 0b11]);
  });

  it("leaves out experts that take no part", async () => {
    const some = { ...hearing, encoder: createEncoder(hearing.pack, hearing.inference, { experts: ["vggish"] }) };
    const found = await encode(some, work({ experts: ["vggish"] }));
    expect(found.missing.withoutExpert).toBe(vggish.filter((row) => row === null).length);
    expect([...new Set(found.rows.patterns)]).toEqual([0b01]);
  });

  it("counts clips that the arrays do not have, and those without captions", async () => {
    const dataset = datasetOf(ids.slice(0, 4), { features });
    const clips = dataset.clips.map((clip, i) => ({
      ...clip,
      ...(i === 1 ? { row: -1 } : {}),
      ...(i === 2 ? { captions: [] } : {}),
    }));
    const found = await encode(hearing, work({ dataset: { ...dataset, clips } }));
    expect([...found.pool]).toEqual([3]);
    expect(found.missing).toMatchObject({ notFound: 1, withoutCaption: 1, withoutExpert: 1 });
  });

  it("refuses features that the pack does not take", async () => {
    const wide = { vggish: featuresOf(20, [new Float32Array(20)]) };
    await expect(encode(hearing, work({ dataset: datasetOf(["a"], { features: wide }) }))).rejects.toMatchObject({
      code: "FEATURES_DO_NOT_FIT",
    });
  });

  it("goes on behind the blocks that were done, to the same bytes", async () => {
    await encode(hearing, work());
    const expected = await bytesOf(folder);
    const again = path.join(folder, "again");
    const abort = new AbortController();
    const broken = encodeClips(
      hearing,
      work({ folder: again }),
      (done) => {
        if (done === 64) abort.abort(new Error("enough"));
      },
      abort.signal,
    );
    await expect(broken).rejects.toThrow("enough");
    expect(await bytesOf(again)).not.toEqual(expected);
    const { progress } = await encode(hearing, work({ folder: again }));
    expect(progress).toEqual([64, 128, 150]);
    expect(await bytesOf(again)).toEqual(expected);
  });
});

describe("vectors that an earlier run has left", { timeout: 60_000 }, () => {
  let work: ClipWork;
  let found: EncodedClips;
  let bytes: string[];
  let finished: string;
  beforeAll(async () => {
    finished = path.join(data, "finished");
    work = mediaWork((await soundFiles()).map(whole), { folder: finished });
    found = await encode(hearing, work);
    bytes = await bytesOf(finished);
  });
  beforeEach(async () => {
    await cp(finished, folder, { recursive: true });
    work = { ...work, folder };
  });

  it("are taken as they are when all are there", async () => {
    const again = await encode(hearing, work);
    expect(again.progress).toEqual([5]);
    expect(again.mediaSeconds).toBe(0);
    const rows = { ...found.rows, file: path.join(folder, "rows.f32") };
    expect({ ...again, progress: [] }).toEqual({ ...found, rows, mediaSeconds: 0, progress: [] });
  });

  it.each([
    ["a line that breaks off", 4, (spool: string) => cut(spool, "clips.jsonl", 10)],
    ["rows that break off", 4, (spool: string) => cut(spool, "rows.f32", 100)],
    ["rows without a line", 5, (spool: string) => appendFile(path.join(spool, "rows.f32"), "torn")],
    ["half a line too many", 5, (spool: string) => appendFile(path.join(spool, "clips.jsonl"), '{"crc":12')],
    ["zeros in place of rows", 1, (spool: string) => zero(spool, 3 * 32 * 4)],
    ["no rows at all", 0, (spool: string) => rm(path.join(spool, "rows.f32"))],
    ["something else in place of a line", 0, (spool: string) => writeFile(path.join(spool, "clips.jsonl"), "[]\n")],
  ] as const)("are gone on with before %s", async (_, kept, damage) => {
    await damage(folder);
    const { progress } = await encode(hearing, work);
    expect(progress[0]).toBe(kept);
    expect(await bytesOf(folder)).toEqual(bytes);
  });

  it.each([
    ["other clips", { dataset: datasetOf(["a", "b", "c", "d", "e"]) }],
    ["another scoring", { scoring: "WHOLE_CLIP" }],
    ["fewer experts", { experts: ["vggish"] }],
  ] as const)("of %s are thrown away", async (_, other) => {
    const anew = await encode(hearing, { ...work, ...other });
    expect(anew.progress[0]).toBe(0);
    expect(anew.mediaSeconds).toBeGreaterThan(10);
  });

  it("of files that have changed meanwhile are thrown away", async () => {
    const media = work.source.kind === "media" ? work.source : expect.unreachable();
    const anew = await encode(hearing, { ...work, source: { ...media, fingerprint: "of other files" } });
    expect(anew.progress[0]).toBe(0);
  });

  it("stay whole when a process that was taken for dead still writes", async () => {
    await cut(folder, "clips.jsonl", 10);
    await cut(folder, "rows.f32", 100);
    const both = await Promise.all([encode(hearing, work), encode(hearing, work)]);
    for (const { progress } of both) expect(progress[0]).toBeLessThan(5);
    expect(await bytesOf(folder)).toEqual(bytes);
    expect((await encode(hearing, work)).progress).toEqual([5]);
  });

  it("are the same with several models at work at once", async () => {
    const parts = await openClipParts(TINY_PACK, data, 3);
    await encode(parts, { ...work, folder: path.join(folder, "again") });
    await parts.inference.close();
    expect(await bytesOf(path.join(folder, "again"))).toEqual(bytes);
  });

  it("cannot be written where a file is in the way, and that is said without its path", async () => {
    const file = path.join(folder, "in-the-way");
    await copyFile(await sample("tone.wav"), file);
    const failure = await encode(hearing, { ...work, folder: file }).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: "CATALOG_WRITE_FAILED" });
    expect((failure as Error).message).not.toContain(folder);
  });
});

async function cut(spool: string, name: string, bytes: number): Promise<void> {
  const file = path.join(spool, name);
  await truncate(file, (await readFile(file)).length - bytes);
}

async function zero(spool: string, offset: number): Promise<void> {
  const file = path.join(spool, "rows.f32");
  const bytes = await readFile(file);
  await writeFile(file, bytes.fill(0, offset));
}
