import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createEncoder, type EncoderOptions } from "../../../src/encoding/encoder.js";
import { queryVector } from "../../../src/encoding/query-vector.js";
import type { EncodedSegment, VideoStreams } from "../../../src/encoding/types.js";
import type { InferencePool } from "../../../src/models/inference.js";
import { loadModelPack, type ModelPack } from "../../../src/models/pack.js";
import { openPool } from "../../fixtures/inference-pool.js";
import { BLUE, film, RED, watched, type Film, type Rgb } from "../../fixtures/films.js";
import { inChunks, noise, SAMPLE_RATE, silence, tone } from "../../fixtures/sounds.js";
import { SEEING_PACK } from "../../fixtures/tiny-pack.js";

let pack: ModelPack;
let inference: InferencePool;

beforeAll(async () => {
  pack = await loadModelPack(SEEING_PACK);
  inference = await openPool(pack, 2);
}, 60_000);
afterAll(() => inference.close());

/** Which experts a segment has, by their names' first letters: Vggish Inst R2p1d Scene vggSound. */
const letters = ["v", "i", "r", "s", "V"];
const experts = (pattern: number) => letters.filter((_, e) => ((pattern >> e) & 1) === 1).join("");

async function encode(
  streams: VideoStreams,
  options: EncoderOptions & { pool?: InferencePool } = {},
): Promise<EncodedSegment[]> {
  const { pool = inference, ...rest } = options;
  const segments: EncodedSegment[] = [];
  for await (const group of createEncoder(pack, pool, rest).encodeVideo(streams)) segments.push(...group);
  return segments;
}

/** Batch size with which the segments of a short film make one group, and reach the clip encoder in order. */
const ONE_GROUP = 100;

const seconds = (count: number) => count * SAMPLE_RATE;
const sound = (samples: Float32Array) => inChunks(samples, 7_000);
/** Red, then blue from the fifth second on. */
const redThenBlue = (time: number) => (time < 5 ? RED : BLUE);
/** Red is 0 at the start, and one more every tenth of a second; green stays. */
const rising = (time: number): Rgb => [Math.round(time * 10), 100, 0];

/** Every third of numbers that are colours, as 0..255. */
const reds = (features: readonly number[]) =>
  features.filter((_, i) => i % 3 === 0).map((red) => Math.round(red * 255 * 1000) / 1000);

describe("encoding pictures", { timeout: 60_000 }, () => {
  it("sees which colour is when", async () => {
    const segments = await encode({ pictures: film(redThenBlue, 10) });
    expect(segments.map(({ startSeconds, endSeconds }) => [startSeconds, endSeconds])).toEqual(
      Array.from({ length: 9 }, (_, k) => [k, k + 2]),
    );
    const query = await createEncoder(pack, inference).encodeText("the blue sea");
    const scores = segments.map(({ vector, pattern }) =>
      queryVector(query, pattern).reduce((sum, value, i) => sum + value * vector[i]!, 0),
    );
    for (const score of scores.slice(0, 4)) expect(score).toBeLessThan(0.3);
    for (const score of scores.slice(5)) expect(score).toBeGreaterThan(0.9);
    for (const { pattern } of segments) expect(experts(pattern)).toBe("irs");
  });

  it("gives the clip encoder means of averaged experts, and tokens of sequences in order", async () => {
    const pool = watched(inference);
    await encode({ pictures: film(rising, 5) }, { pool, batchSize: ONE_GROUP });
    const { inst, r2p1d, scene } = pool.features;
    expect([inst?.length, r2p1d?.length, scene?.length]).toEqual([4, 4, 4]);
    for (let k = 0; k < 4; k++) {
      // Frames 10 k to 10 k + 19 of ten a second.
      expect(reds(inst![k]!)).toEqual([10 * k + 9.5]);
      // Two windows of eight frames, two tokens each, and one row that stays empty.
      const w = 10 * k;
      expect(reds(r2p1d![k]!)).toEqual([w + 1.5, w + 5.5, w + 11.5, w + 15.5, 0]);
      // Five frames a second, of which the first four are kept.
      expect(reds(scene![k]!)).toEqual([10 * k, 10 * k + 2, 10 * k + 4, 10 * k + 6]);
      expect(inst![k]![1]).toBeCloseTo(100 / 255, 5);
    }
  });

  it.each([
    [2.5, [[11.5, 15.5, 21.5, 24, 0], "five frames of eight: the last one stands still for the rest"]],
    [2.3, [[11.5, 15.5, 0, 0, 0], "three frames of eight are too few"]],
  ] as const)("takes of %f s what their end cuts short: %j", async (length, [expected]) => {
    const pool = watched(inference);
    const segments = await encode({ pictures: film(rising, length) }, { pool, batchSize: ONE_GROUP });
    expect(segments.map(({ startSeconds }) => startSeconds)).toEqual([0, 1]);
    expect(reds(pool.features["r2p1d"]![1]!)).toEqual(expected);
  });

  it("makes a segment of a single picture", async () => {
    const pool = watched(inference);
    const segments = await encode({ pictures: film(() => [200, 0, 0], 0.1) }, { pool });
    expect(segments.map(({ endSeconds, pattern }) => [endSeconds, experts(pattern)])).toEqual([[0.2, "irs"]]);
    expect(reds(pool.features["r2p1d"]![0]!)).toEqual([200, 200, 0, 0, 0]);
    expect(reds(pool.features["inst"]![0]!)).toEqual([200]);
  });

  it("puts pictures that come late where they are shown, and nothing before", async () => {
    const pool = watched(inference);
    const segments = await encode({ pictures: film(rising, 3, 4.5) }, { pool, batchSize: ONE_GROUP });
    expect(segments.map(({ index, startSeconds, endSeconds }) => [index, startSeconds, endSeconds])).toEqual([
      [3, 3, 5],
      [4, 4, 6],
      [5, 5, 7],
      [6, 6, 7.5],
    ]);
    // The first second of film lies in 4.5..5.5 s: five frames of it in segment 3, fifteen in segment 4.
    expect(pool.features["inst"]!.map((row) => reds(row)[0])).toEqual([2, 7, 14.5, 22]);
  });

  it("keeps a window that rounding puts just before the segment in which it starts", async () => {
    // At 2.2 frames a second frame 33 is shown at 15 s, which is 239999.99999999997 samples.
    const experts = pack.manifest.experts.map((expert) => ({ ...expert, framesPerSecond: 2.2 }));
    const slow = { ...pack, manifest: { ...pack.manifest, experts } };
    const segments: EncodedSegment[] = [];
    const encoder = createEncoder(slow, inference, { batchSize: 1 });
    for await (const group of encoder.encodeVideo({ pictures: film(() => RED, 20) })) segments.push(...group);
    expect(segments.map(({ index }) => index)).toEqual(Array.from({ length: 19 }, (_, k) => k));
  });

  it("decodes once for experts of the same format", async () => {
    const pictures = film(() => RED, 3);
    await encode({ pictures });
    expect(pictures.opened).toEqual([
      { framesPerSecond: 10, frameWidth: 16, frameHeight: 16 },
      { framesPerSecond: 5, frameWidth: 24, frameHeight: 12 },
    ]);
  });

  it("computes each window once, and none whose tokens are cut in every segment", async () => {
    const pool = watched(inference);
    await encode({ pictures: film(() => RED, 20) }, { pool });
    expect(pool.windows).toEqual({ inst: 200, r2p1d: 20, scene: 80 });
  });

  it("refuses frames of another size", async () => {
    const pictures = film(() => RED, 3);
    const wrong = { ...pictures, open: () => pictures.open({ framesPerSecond: 10, frameWidth: 8, frameHeight: 8 }) };
    await expect(encode({ pictures: wrong })).rejects.toThrow("192 bytes, expected 768");
  });
});

describe("encoding sound and pictures", { timeout: 60_000 }, () => {
  const patterns = (segments: readonly EncodedSegment[]) => segments.map(({ pattern }) => experts(pattern));

  it("gives every segment all experts where both are there", async () => {
    const segments = await encode({ sound: sound(noise(seconds(4), 1)), pictures: film(redThenBlue, 4) });
    expect(patterns(segments)).toEqual(["virsV", "virsV", "virsV"]);
    for (const { vector } of segments)
      for (let e = 0; e < 5; e++) expect(Math.hypot(...vector.subarray(16 * e, 16 * e + 16))).toBeCloseTo(1, 4);
  });

  it("lacks what the shorter stream does not reach", async () => {
    const longSound = await encode({ sound: sound(noise(seconds(8), 2)), pictures: film(redThenBlue, 4) });
    expect(patterns(longSound)).toEqual(["virsV", "virsV", "virsV", "virsV", "vV", "vV", "vV"]);
    const longFilm = await encode({ sound: sound(noise(seconds(4), 2)), pictures: film(redThenBlue, 8) });
    expect(patterns(longFilm)).toEqual(["virsV", "virsV", "virsV", "virsV", "irs", "irs", "irs"]);
    expect(longFilm.at(-1)?.endSeconds).toBe(8);
    expect([...longFilm.at(-1)!.vector.subarray(0, 16)]).toEqual(new Array(16).fill(0));
  });

  it("skips the time between the end of the sound and pictures that come later", async () => {
    const segments = await encode({ sound: sound(noise(seconds(2), 3)), pictures: film(redThenBlue, 2, 6) });
    expect(segments.map(({ index, pattern }) => [index, experts(pattern)])).toEqual([
      [0, "vV"],
      [1, "vV"],
      [5, "irs"],
      [6, "irs"],
    ]);
  });

  it("gives sound the same segments whether or not there are pictures far behind it", async () => {
    const alone = await encode({ sound: sound(noise(seconds(5), 4)) });
    const { length } = await encode({ sound: sound(noise(seconds(5), 4)), pictures: film(redThenBlue, 0, 100) });
    expect(patterns(alone)).toEqual(["vV", "vV", "vV", "vV"]);
    expect(length).toBe(4);
  });

  it("sees what is silent", async () => {
    const silent = Float32Array.from([...noise(seconds(2), 5), ...silence(seconds(4))]);
    const segments = await encode({ sound: sound(silent), pictures: film(redThenBlue, 6) });
    expect(patterns(segments)).toEqual(["virsV", "virsV", "irs", "irs", "irs"]);
  });

  it("gives nothing for silence without pictures, nor for nothing at all", async () => {
    expect(await encode({ sound: sound(silence(seconds(3))), pictures: film(() => RED, 0) })).toEqual([]);
    expect(await encode({ sound: sound(silence(0)), pictures: film(() => RED, 0) })).toEqual([]);
    expect(await encode({})).toEqual([]);
  });

  it("cuts tokens at an expert's limit, and fills up with zeros to it", async () => {
    const pool = watched(inference);
    const tones = tone(500, seconds(5));
    await encode({ sound: sound(tones) }, { pool, batchSize: ONE_GROUP });
    // Its window is longer than the segment, and of its six tokens four are kept.
    const window = tones.slice(SAMPLE_RATE, SAMPLE_RATE + 40_000);
    const { features } = await inference.run("vggsound", { waveform: { data: window, dims: [1, 40_000] } });
    pool.features["vggsound"]![1]!.forEach((value, i) => expect(value).toBeCloseTo(features!.data[i]!, 4));
    expect(pool.features["vggsound"]![1]).toHaveLength(4 * 8);
    expect(pool.features["vggish"]![1]!.slice(2 * 8)).toEqual(new Array(8).fill(0));
    expect(Math.max(...pool.features["vggish"]![1]!.slice(8, 16))).toBeGreaterThan(1);
  });

  it("gives the same vectors whatever the batch size, the chunks, and the number of workers", async () => {
    const samples = Float32Array.from([...noise(seconds(7), 6), ...silence(seconds(4)), ...noise(seconds(3) + 99, 7)]);
    const colours = (time: number): Rgb => [(time * 31) % 256, (time * 77) % 256, (time * 5) % 256];
    const streams = (chunk: number) => ({ sound: inChunks(samples, chunk), pictures: film(colours, 11.7, 0.35) });
    const expected = await encode(streams(7_000));
    expect(expected.length).toBeGreaterThan(10);
    const expectSame = (found: readonly EncodedSegment[]) => {
      expect(found.map(({ vector: _, ...rest }) => rest)).toEqual(expected.map(({ vector: _, ...rest }) => rest));
      found.forEach(({ vector }, i) => {
        const worst = vector.reduce((most, x, d) => Math.max(most, Math.abs(x - expected[i]!.vector[d]!)), 0);
        expect(worst).toBeLessThan(1e-5);
      });
    };
    expectSame(await encode(streams(7_000), { batchSize: 1 }));
    expectSame(await encode(streams(999), { batchSize: 7 }));
    expectSame(await encode(streams(1_000_000), { batchSize: 1000 }));
    for (const threads of [1, 3]) {
      const pool = await openPool(pack, threads);
      expectSame(await encode(streams(7_000), { pool }));
      await pool.close();
    }
  });
});

describe("streams without an end", { timeout: 60_000 }, () => {
  /** Sound without an end. */
  async function* endlessSound(closed: { count: number } = { count: 0 }): AsyncGenerator<Float32Array> {
    const second = noise(SAMPLE_RATE, 9);
    try {
      for (;;) yield await Promise.resolve(second);
    } finally {
      closed.count++;
    }
  }

  /** Sound that comes to a halt after some seconds. */
  async function* stuckSound(after: number): AsyncGenerator<Float32Array> {
    for (let second = 0; second < after; second++) yield await Promise.resolve(noise(SAMPLE_RATE, second));
    await new Promise(() => undefined);
  }

  const turns = () => new Promise((resolve) => setTimeout(resolve, 300));
  /** Frames of both formats that belong to one second. */
  const PER_SECOND = 15;

  it("are read no further than a few segments ahead of what was taken, and closed at the end", async () => {
    const pictures = film(redThenBlue);
    const closed = { count: 0 };
    let count = 0;
    const streams = { sound: endlessSound(closed), pictures };
    for await (const group of createEncoder(pack, inference, { batchSize: 10 }).encodeVideo(streams)) {
      count += group.length;
      // A segment is a group here; in flight are one a worker and three more, and a segment lasts two hops.
      const ahead = pictures.taken() / PER_SECOND - count;
      expect(ahead).toBeLessThan(inference.parallelism + 3 + 4);
      if (count > 60) break;
    }
    expect([closed.count, pictures.closed()]).toEqual([1, 2]);
  });

  it("wait for the slower one without filling the memory", async () => {
    const pictures = film(redThenBlue);
    const abort = new AbortController();
    const groups = createEncoder(pack, inference, { batchSize: 10 })
      .encodeVideo({ sound: stuckSound(4), pictures }, undefined, abort.signal)
      [Symbol.asyncIterator]();
    const next = groups.next();
    // The segment from 2 s to 4 s lacks sound: its longest window ends at 4.5 s.
    await vi.waitFor(() => expect(pictures.taken()).toBe(4 * PER_SECOND), { timeout: 20_000 });
    await turns();
    expect(pictures.taken()).toBe(4 * PER_SECOND);
    abort.abort(new Error("stop"));
    await expect(next).rejects.toThrow("stop");
    expect(pictures.closed()).toBe(2);
  });

  it("end together when one of them fails while another is stuck", async () => {
    const fails = (): Film => {
      const good = film(redThenBlue);
      async function* broken(format: Parameters<Film["open"]>[0]) {
        let frames = 0;
        for await (const frame of good.open(format)) {
          yield frame;
          if (++frames > 12) throw new Error("the pictures are damaged");
        }
      }
      return { ...good, open: broken };
    };
    await expect(encode({ sound: stuckSound(1), pictures: fails() })).rejects.toThrow("the pictures are damaged");
  });

  it("end with a model's failure", async () => {
    const pool = await openPool(pack, 1);
    const pictures = film(redThenBlue);
    const groups = createEncoder(pack, pool).encodeVideo({ sound: endlessSound(), pictures })[Symbol.asyncIterator]();
    await groups.next();
    await pool.close();
    const rest = (async () => {
      while ((await groups.next()).done !== true);
    })();
    await expect(rest).rejects.toMatchObject({ code: "INFERENCE_CLOSED" });
    expect(pictures.closed()).toBe(2);
  });
});
