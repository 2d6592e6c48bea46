import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { createEncoder } from "../../../src/encoding/encoder.js";
import { FeatureCache } from "../../../src/encoding/feature-cache.js";
import type { EncodedSegment, VideoStreams } from "../../../src/encoding/types.js";
import { createInferencePool, type InferencePool } from "../../../src/models/inference.js";
import { loadModelPack, type ModelPack } from "../../../src/models/pack.js";
import type { Observation } from "../../../src/telemetry/index.js";
import { BLUE, film, RED, watched } from "../../fixtures/films.js";
import { recordedLog } from "../../fixtures/recorded-log.js";
import { inChunks, inTurn, noise, SAMPLE_RATE, silence } from "../../fixtures/sounds.js";
import { SEEING_PACK } from "../../fixtures/tiny-pack.js";

let pack: ModelPack;
let inference: InferencePool;
/** Experts that ran, one entry for each batch, since the last {@link encode} began. */
const ran: string[] = [];

beforeAll(async () => {
  pack = await loadModelPack(SEEING_PACK);
  const options = { executionProviders: ["cpu"], whenProviderMissing: "refuse", threads: 1 } as const;
  inference = await createInferencePool(pack, { ...options, executionProviders: ["cpu"] }, recordedLog(), (seen) => {
    if (seen.kind === "inference" && !seen.model.endsWith("-encoder")) ran.push(seen.model);
  });
}, 60_000);
afterAll(() => inference.close());

const SECONDS = 12;
/** Sound and pictures with something new in every second, and two seconds of silence. */
const heard = inTurn(noise(5 * SAMPLE_RATE, 1), silence(4 * SAMPLE_RATE), noise(3 * SAMPLE_RATE, 2));
const seen = (time: number) => (Math.floor(time) % 2 === 0 ? RED : BLUE);

const unchanged = (key: string) => ({ key, isUnchanged: () => Promise.resolve(true) });

function streams(key?: string): VideoStreams {
  return {
    sound: inChunks(heard, 7_000),
    pictures: film(seen, SECONDS),
    ...(key === undefined ? {} : { media: unchanged(key) }),
  };
}

interface Trial {
  segments: EncodedSegment[];
  /** Experts that ran, each once. */
  ran: string[];
}

async function encode(
  given: VideoStreams,
  cache: FeatureCache | undefined,
  { using = pack, silenceThreshold = 1e-4, pool = inference } = {},
): Promise<Trial> {
  ran.length = 0;
  const segments: EncodedSegment[] = [];
  const encoder = createEncoder(using, pool, { cache, silenceThreshold, batchSize: 4 });
  for await (const group of encoder.encodeVideo(given)) segments.push(...group);
  return { segments, ran: [...new Set(ran)].sort() };
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "earshot-features-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function openCache(maxBytes = 10 ** 8, { cudaTf32 = false, in: given = undefined as string | undefined } = {}) {
  const folder = given ?? (await newFolder());
  const observed: Observation[] = [];
  const logger = recordedLog();
  const observe = (observation: Observation) => observed.push(observation);
  const cache = new FeatureCache({ folder, maxBytes, cudaTf32, logger, observe });
  // Before the folder is removed.
  onTestFinished(() => cache.close());
  /** Whether the features were there, for each expert since the last call. */
  const hits = () => observed.splice(0).map((one) => one.kind === "cache" && one.cache === "features" && one.hit);
  const files = async () => (await readdir(folder)).sort();
  return { cache, folder, hits, files, logger };
}

/** Runs that have begun and end when they are told to. */
function heldBack() {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const runs: Promise<unknown>[] = [];
  const run: InferencePool["run"] = (model, inputs) => {
    // Without the signal: as a run that has begun already.
    const result = released.then(() => inference.run(model, inputs));
    runs.push(result);
    return result;
  };
  const pool: InferencePool = { ...watched(inference), run };
  return { pool, runs, release };
}

const times = <T>(count: number, value: T) => Array.from({ length: count }, () => value);

describe("the cache of features", { timeout: 60_000 }, () => {
  it("spares all experts the second time, and changes no bit of what comes out", async () => {
    const all = pack.manifest.experts.map(({ name }) => name).sort();
    const { cache, hits, files } = await openCache();
    const without = await encode(streams("a"), undefined);
    const first = await encode(streams("a"), cache);
    expect(first).toEqual(without);
    expect(first.ran).toEqual(all);
    expect(hits()).toEqual(times(all.length, false));
    expect(await files()).toHaveLength(all.length);
    const second = await encode(streams("a"), cache);
    expect(second).toEqual({ ...without, ran: [] });
    expect(hits()).toEqual(times(all.length, true));
    // Other media are others, and media that are not named are never kept.
    expect((await encode(streams("b"), cache)).ran).toEqual(all);
    expect((await encode(streams(), cache)).ran).toEqual(all);
    expect(await files()).toHaveLength(2 * all.length);
  });

  it("runs only the experts that another pack does not share", async () => {
    const { cache } = await openCache();
    const first = await encode(streams("a"), cache);
    const { manifest } = pack;
    const [heardBy, seenBy] = ["audio", "visual"].map((m) => manifest.experts.find(({ modality }) => modality === m)!);
    const files = { ...manifest.files };
    for (const { file } of [heardBy!, seenBy!]) files[file] = { ...files[file]!, sha256: "0".repeat(64) };
    const using = { ...pack, manifest: { ...manifest, files } };
    const second = await encode(streams("a"), cache, { using });
    expect(second.ran).toEqual(
      manifest.experts
        .filter(({ file }) => [heardBy!.file, seenBy!.file].includes(file))
        .map(({ name }) => name)
        .sort(),
    );
    expect(second.segments).toEqual(first.segments);
    expect((await encode(streams("a"), cache, { using })).ran).toEqual([]);
  });

  it("adds the windows that were not asked for before", async () => {
    const { cache, hits, files } = await openCache();
    await encode(streams("a"), cache);
    const before = await files();
    hits();
    const without = await encode(streams("a"), undefined, { silenceThreshold: 0 });
    const wider = await encode(streams("a"), cache, { silenceThreshold: 0 });
    expect(wider.segments.map(({ index, pattern }) => [index, pattern])).toEqual(
      without.segments.map(({ index, pattern }) => [index, pattern]),
    );
    const audio = pack.manifest.experts.filter(({ modality }) => modality === "audio").map(({ name }) => name);
    expect(wider.ran).toEqual(audio.sort());
    expect(hits().filter((hit) => !hit)).toHaveLength(audio.length);
    expect(await files()).toEqual(before);
    expect(await encode(streams("a"), cache, { silenceThreshold: 0 })).toEqual({ ...wider, ran: [] });
    expect((await encode(streams("a"), cache)).ran).toEqual([]);
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ["a bit is wrong", (bytes) => Buffer.from(bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)))],
    ["the end is missing", (bytes) => bytes.subarray(0, bytes.length - 4)],
    ["the header is missing", (bytes) => bytes.subarray(80)],
    ["nothing is left", () => Buffer.alloc(0)],
    ["it is of another format", () => Buffer.from("something else altogether ".repeat(100))],
  ])("makes a file anew in which %s", async (_, damage) => {
    const { cache, folder, files } = await openCache();
    const first = await encode(streams("a"), cache);
    const name = (await files())[0]!;
    const bytes = await readFile(path.join(folder, name));
    await writeFile(path.join(folder, name), damage(bytes));
    const second = await encode(streams("a"), cache);
    expect(second.segments).toEqual(first.segments);
    expect(second.ran).toHaveLength(1);
    expect((await readFile(path.join(folder, name))).length).toBe(bytes.length);
    expect((await encode(streams("a"), cache)).ran).toEqual([]);
  });

  it("keeps nothing of a file that cannot be read to its end, changes meanwhile, or is given up", async () => {
    const { cache, files } = await openCache();
    async function* broken() {
      yield heard.slice(0, 6 * SAMPLE_RATE);
      await Promise.resolve();
      throw new Error("the disk is gone");
    }
    await expect(encode({ ...streams("a"), sound: broken() }, cache)).rejects.toThrow("the disk is gone");
    await encode({ ...streams(), media: { key: "a", isUnchanged: () => Promise.resolve(false) } }, cache);
    const encoder = createEncoder(pack, inference, { cache, batchSize: 4 });
    for await (const group of encoder.encodeVideo(streams("a"))) if (group.length > 0) break;
    expect(await files()).toEqual([]);
  });

  it("takes nothing from a run that comes back after its media were given up", async () => {
    const { cache, files } = await openCache();
    const { pool: slow, runs, release } = heldBack();
    const giveUp = new AbortController();
    const groups = createEncoder(pack, slow, { cache, batchSize: 4 })
      .encodeVideo({ sound: inChunks(heard, 7_000), media: unchanged("a") }, undefined, giveUp.signal)
      [Symbol.asyncIterator]();
    const first = groups.next();
    await vi.waitFor(() => expect(runs.length).toBeGreaterThan(0));
    giveUp.abort(new Error("given up"));
    await expect(first).rejects.toThrow("given up");
    release();
    await Promise.all(runs);
    // Long enough for whatever would be written.
    await encode(streams("b"), cache);
    expect((await files()).filter((name) => !name.endsWith(".features"))).toEqual([]);
  });

  it("removes what was not used for the longest time when it grows beyond its limit", async () => {
    const { cache: measured, folder: where, files: all } = await openCache();
    await encode(streams("a"), measured);
    const sizes = await Promise.all((await all()).map(async (name) => (await stat(path.join(where, name))).size));
    const perVideo = sizes.reduce((sum, size) => sum + size, 0);

    const { cache, folder, files } = await openCache(Math.ceil(2.5 * perVideo));
    const age = async (names: readonly string[], seconds: number) => {
      const then = new Date(Date.now() - seconds * 1000);
      for (const name of names) await utimes(path.join(folder, name), then, then);
    };
    await encode(streams("a"), cache);
    const ofA = await files();
    await encode(streams("b"), cache);
    const ofB = (await files()).filter((name) => !ofA.includes(name));
    const [abandoned, foreign] = ["0.writing", "notes.txt"];
    for (const name of [abandoned, foreign]) await writeFile(path.join(folder, name), "text");
    await age([...ofA, abandoned, foreign], 48 * 3600);
    await age(ofB, 3600);
    // Using it makes it the youngest.
    expect((await encode(streams("a"), cache)).ran).toEqual([]);
    await encode(streams("c"), cache);
    await vi.waitFor(async () => {
      const left = await files();
      expect(left).toEqual(expect.arrayContaining([...ofA, foreign]));
      expect(left.filter((name) => name === abandoned)).toEqual([]);
      expect(left.filter((name) => ofB.includes(name)).length).toBeLessThan(ofB.length);
    });
    expect((await encode(streams("c"), cache)).ran).toEqual([]);
  });

  it("looks at the folder when it is opened, and not again for every file that is kept", async () => {
    const { cache, folder, files } = await openCache();
    const abandon = async (name: string) => {
      await writeFile(path.join(folder, name), "");
      await utimes(path.join(folder, name), 0, 0);
    };
    await abandon("0.writing");
    await encode(streams("a"), cache);
    await vi.waitFor(async () => expect(await files()).not.toContain("0.writing"));
    await abandon("1.writing");
    await encode(streams("b"), cache);
    await encode(streams("c"), cache);
    expect(await files()).toContain("1.writing");
  });

  it("makes room at the start when the limit is lower than it was", async () => {
    const { cache, folder, files } = await openCache();
    await encode(streams("a"), cache);
    const lower = await openCache(100, { in: folder });
    await encode(streams("b"), lower.cache);
    await vi.waitFor(async () => expect(await files()).toEqual([]));
  });

  it("leaves the folder alone once it is closed, whatever is still being encoded", async () => {
    const { cache, folder, files } = await openCache();
    const without = await encode(streams("b"), undefined);
    await encode(streams("a"), cache);
    const before = await files();
    const lower = await openCache(100, { in: folder });
    await lower.cache.close();
    const { pool, runs, release } = heldBack();
    const late = encode(streams("b"), cache, { pool });
    await vi.waitFor(() => expect(runs.length).toBeGreaterThan(0));
    await cache.close();
    release();
    expect((await late).segments).toEqual(without.segments);
    expect((await encode(streams("c"), cache)).segments).toEqual(without.segments);
    expect((await encode(streams("c"), lower.cache)).segments).toEqual(without.segments);
    expect(await files()).toEqual(before);
  });

  it("keeps features that a GPU rounded apart from all others", async () => {
    const pool: InferencePool = { ...watched(inference), executionProviders: ["cuda", "cpu"] };
    const rounding = await openCache(10 ** 8, { cudaTf32: true });
    const exact = await openCache(10 ** 8, { in: rounding.folder });
    const { ran: all } = await encode(streams("a"), rounding.cache, { pool });
    expect(all).not.toEqual([]);
    expect((await encode(streams("a"), rounding.cache, { pool })).ran).toEqual([]);
    expect((await encode(streams("a"), exact.cache, { pool })).ran).toEqual(all);
    // A CPU does not round, whatever was allowed.
    expect((await encode(streams("a"), exact.cache)).ran).toEqual([]);
    expect((await encode(streams("a"), rounding.cache)).ran).toEqual([]);
  });

  it("does without files larger than its limit, and without a folder that it cannot use", async () => {
    const without = await encode(streams("a"), undefined);
    const small = await openCache(100);
    expect(await encode(streams("a"), small.cache)).toEqual(without);
    expect(await small.files()).toEqual([]);
    const { folder, logger } = small;
    await writeFile(path.join(folder, "file"), "");
    const parts = {
      folder: path.join(folder, "file"),
      maxBytes: 10 ** 8,
      cudaTf32: false,
      logger,
      observe: () => undefined,
    };
    expect(await encode(streams("a"), new FeatureCache(parts))).toEqual(without);
  });

  it("is safe when several encode the same file at the same time", async () => {
    const { cache, files } = await openCache();
    const without = await encode(streams("a"), undefined);
    const together = await Promise.all(times(3, "a").map((key) => encode(streams(key), cache)));
    for (const { segments } of together) expect(segments).toEqual(without.segments);
    expect(await files()).toHaveLength(pack.manifest.experts.length);
    expect(await encode(streams("a"), cache)).toEqual({ ...without, ran: [] });
  });
});
