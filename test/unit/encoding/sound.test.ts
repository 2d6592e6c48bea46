import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEncoder, type EncoderOptions } from "../../../src/encoding/encoder.js";
import { queryVector } from "../../../src/encoding/query-vector.js";
import type { EncodedSegment, EncodingProgress } from "../../../src/encoding/types.js";
import type { InferencePool } from "../../../src/models/inference.js";
import { loadModelPack, type ModelPack } from "../../../src/models/pack.js";
import { openPool } from "../../fixtures/inference-pool.js";
import { inChunks, inTurn, noise, SAMPLE_RATE, silence, tone } from "../../fixtures/sounds.js";
import { TINY_PACK } from "../../fixtures/tiny-pack.js";

const LENGTH = 61_440;
const HOP = 30_720;

let pack: ModelPack;
let inference: InferencePool;

beforeAll(async () => {
  pack = await loadModelPack(TINY_PACK);
  inference = await openPool(pack, 2);
}, 60_000);
afterAll(() => inference.close());

async function encode(
  sound: Float32Array,
  options: EncoderOptions & { chunk?: number; pool?: InferencePool } = {},
): Promise<EncodedSegment[]> {
  const { chunk = 10_000, pool = inference, ...rest } = options;
  const segments: EncodedSegment[] = [];
  for await (const group of createEncoder(pack, pool, rest).encodeAudio(inChunks(sound, chunk)))
    segments.push(...group);
  return segments;
}

function expectSame(found: readonly EncodedSegment[], expected: readonly EncodedSegment[]): void {
  expect(found.map(({ vector: _, ...rest }) => rest)).toEqual(expected.map(({ vector: _, ...rest }) => rest));
  found.forEach(({ vector }, i) => {
    const worst = vector.reduce((most, value, d) => Math.max(most, Math.abs(value - expected[i]!.vector[d]!)), 0);
    expect(worst).toBeLessThan(1e-5);
  });
}

const allExperts = 0b11;

describe("encoding audio", { timeout: 60_000 }, () => {
  it("hears which sound is when", async () => {
    const sound = inTurn(tone(250, 4 * HOP), tone(4000, 4 * HOP));
    const segments = await encode(sound);
    const query = await createEncoder(pack, inference).encodeText("a whistle");
    const scores = segments.map(({ vector, pattern }) =>
      queryVector(query, pattern).reduce((sum, value, i) => sum + value * vector[i]!, 0),
    );
    expect(segments.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    for (const score of scores.slice(0, 3)) expect(score).toBeLessThan(0.3);
    for (const score of scores.slice(4)) expect(score).toBeGreaterThan(0.9);
  });

  it.each([
    [1, [[0, 1 / SAMPLE_RATE]]],
    [3_200, [[0, 0.2]]],
    [LENGTH, [[0, 3.84]]],
    [
      LENGTH + 1,
      [
        [0, 3.84],
        [1.92, (LENGTH + 1) / SAMPLE_RATE],
      ],
    ],
    [
      5 * HOP,
      [
        [0, 3.84],
        [1.92, 5.76],
        [3.84, 7.68],
        [5.76, 9.6],
      ],
    ],
  ])("gives %i samples their segments, with times that end with the audio", async (samples, times) => {
    const segments = await encode(noise(samples, 1));
    expect(segments.map(({ startSeconds, endSeconds }) => [startSeconds, endSeconds])).toEqual(times);
    for (const { pattern, vector } of segments) {
      expect(vector).toHaveLength(32);
      expect(pattern).toBe(allExperts);
      expect(Math.hypot(...vector.subarray(0, 16))).toBeCloseTo(1, 4);
      expect(Math.hypot(...vector.subarray(16))).toBeCloseTo(1, 4);
    }
  });

  it("gives nothing for nothing", async () => {
    expect(await encode(silence(0))).toEqual([]);
  });

  it("marks an expert as missing in a tail that is too short for its windows", async () => {
    // 4000 samples beyond the first segment: a quarter of the short window's hop, but not of the long one's.
    const uneven = structuredClone(pack);
    uneven.manifest.segment = { lengthSamples: HOP, hopSamples: HOP };
    Object.assign(uneven.manifest.experts[0]!, { windowsPerSegment: 2 });
    Object.assign(uneven.manifest.experts[1]!, { windowsPerSegment: 1 });
    const found: EncodedSegment[] = [];
    const sound = inChunks(noise(HOP + 4_000, 3), 5_000);
    for await (const group of createEncoder(uneven, inference).encodeAudio(sound)) found.push(...group);
    expect(found.map(({ pattern }) => pattern)).toEqual([0b11, 0b01]);
    expect([...found[1]!.vector.subarray(16)]).toEqual(new Array(16).fill(0));
  });

  it("leaves silent segments out and keeps the numbers of the others", async () => {
    const sound = inTurn(tone(500, LENGTH), silence(4 * LENGTH), tone(1000, LENGTH));
    const segments = await encode(sound);
    expect(segments.map(({ index }) => index)).toEqual([0, 1, 9, 10]);
    expect(segments[2]!.startSeconds).toBeCloseTo(9 * 1.92, 9);
  });

  it("gives nothing for silence, nor for what is quieter than the threshold", async () => {
    expect(await encode(silence(3 * LENGTH))).toEqual([]);
    expect(await encode(tone(500, LENGTH, 0.00009))).toEqual([]);
    expect(await encode(tone(500, LENGTH, 0.00011))).toHaveLength(1);
    expect(await encode(tone(500, LENGTH, 0.4), { silenceThreshold: 0.5 })).toEqual([]);
  });

  it("gives the same vectors whatever the batch size, the chunks, and the number of workers", async () => {
    const sound = inTurn(
      noise(3 * LENGTH + 777, 4),
      tone(2000, LENGTH),
      silence(2 * LENGTH),
      noise(2 * LENGTH, 5, 0.05),
    );
    const expected = await encode(sound);
    expect(expected.length).toBeGreaterThan(10);
    expectSame(await encode(sound, { batchSize: 1 }), expected);
    expectSame(await encode(sound, { batchSize: 5, chunk: 999 }), expected);
    expectSame(await encode(sound, { batchSize: 1000, chunk: 1_000_000 }), expected);
    for (const threads of [1, 3]) {
      const pool = await openPool(pack, threads);
      expectSame(await encode(sound, { pool }), expected);
      await pool.close();
    }
  });

  it("does not depend on what lies beyond a segment and its last windows", async () => {
    const start = noise(LENGTH + 1_000, 6);
    const [alone] = await encode(start);
    const [followed] = await encode(inTurn(start, tone(6000, 3 * LENGTH)));
    expectSame([followed!], [alone!]);
  });

  it("averages an expert's tokens over the segment when the manifest says so", async () => {
    // The tiny clip encoder adds tokens up and then normalises, so the mean must give the same embedding as the
    // sequence; its input is one row high, which a pack that averages would have.
    const sound = noise(2 * LENGTH, 7);
    const calls: Record<string, number[]> = {};
    const averaging = structuredClone(pack);
    Object.assign(averaging.manifest.experts[1]!, { aggregation: "average", maxTokens: 1 });
    const widened: InferencePool = {
      parallelism: inference.parallelism,
      executionProviders: inference.executionProviders,
      devices: inference.devices,
      shortfall: inference.shortfall,
      batchSizes: () => inference.batchSizes(),
      warmUp: () => inference.warmUp(),
      close: () => inference.close(),
      run: (model, inputs, signal) => {
        const features = inputs["features_vggsound"];
        if (features === undefined) return inference.run(model, inputs, signal);
        calls["dims"] = [...features.dims];
        const segments = features.dims[0]!;
        const padded = new Float32Array(segments * 12 * 8);
        for (let s = 0; s < segments; s++)
          padded.set((features.data as Float32Array).subarray(s * 8, (s + 1) * 8), s * 12 * 8);
        return inference.run(
          model,
          { ...inputs, features_vggsound: { data: padded, dims: [segments, 12, 8] } },
          signal,
        );
      },
    };
    const found: EncodedSegment[] = [];
    for await (const group of createEncoder(averaging, widened).encodeAudio(inChunks(sound, 20_000)))
      found.push(...group);
    expect(calls["dims"]).toEqual([3, 1, 8]);
    expectSame(found, await encode(sound));
  });

  it("mends samples that are not numbers instead of spoiling the segment", async () => {
    const clean = tone(500, LENGTH);
    const broken = clean.slice();
    broken.fill(NaN, 100, 110);
    broken.fill(Infinity, 200, 202);
    for (const { vector } of await encode(broken)) expect([...vector].every(Number.isFinite)).toBe(true);
  });

  it("reports progress that grows to the length of the audio", async () => {
    const seen: EncodingProgress[] = [];
    const sound = noise(20 * LENGTH, 8);
    const groups = createEncoder(pack, inference, { batchSize: 4 }).encodeAudio(inChunks(sound, 8_000), (progress) =>
      seen.push(progress),
    );
    for await (const group of groups) expect(group.length).toBeGreaterThan(0);
    const encoded = seen.map(({ encodedSeconds }) => encodedSeconds);
    expect(encoded).toEqual([...encoded].sort((a, b) => a - b));
    expect(seen.at(-1)).toEqual({
      decodedSeconds: (20 * LENGTH) / SAMPLE_RATE,
      encodedSeconds: (20 * LENGTH) / SAMPLE_RATE,
    });
    for (const { decodedSeconds, encodedSeconds } of seen)
      expect(decodedSeconds).toBeGreaterThanOrEqual(encodedSeconds);
  });
});

describe("a long stream", { timeout: 60_000 }, () => {
  /** Endless sound; counts the seconds that were taken. */
  function endless(): { pcm: AsyncGenerator<Float32Array>; taken: () => number; closed: () => boolean } {
    let samples = 0;
    let closed = false;
    const second = noise(SAMPLE_RATE, 9);
    async function* generate(): AsyncGenerator<Float32Array> {
      try {
        for (;;) {
          samples += second.length;
          yield await Promise.resolve(second);
        }
      } finally {
        closed = true;
      }
    }
    return { pcm: generate(), taken: () => samples / SAMPLE_RATE, closed: () => closed };
  }

  it("is read no further than a few groups ahead of what was taken", async () => {
    const source = endless();
    const groups = createEncoder(pack, inference, { batchSize: 8 }).encodeAudio(source.pcm);
    let segments = 0;
    for await (const group of groups) {
      segments += group.length;
      // A group holds 4 segments of this grid; in flight are one group a worker and two more.
      const ahead = source.taken() - segments * 1.92;
      expect(ahead).toBeLessThan((inference.parallelism + 3) * 4 * 1.92 + 6);
      if (segments > 100) break;
    }
    expect(source.closed()).toBe(true);
  });

  it("ends with the signal's reason, and closes the decoder", async () => {
    const source = endless();
    const abort = new AbortController();
    const reading = (async () => {
      for await (const group of createEncoder(pack, inference).encodeAudio(source.pcm, undefined, abort.signal)) {
        if (group[0]!.index > 10) abort.abort(new Error("cancelled by its owner"));
      }
    })();
    await expect(reading).rejects.toThrow("cancelled by its owner");
    expect(source.closed()).toBe(true);
  });

  it("ends at once when the signal comes while the decoder gives nothing", async () => {
    async function* stuck(): AsyncGenerator<Float32Array> {
      yield noise(1000, 10);
      await new Promise(() => undefined);
    }
    const abort = new AbortController();
    const next = createEncoder(pack, inference)
      .encodeAudio(stuck(), undefined, abort.signal)
      [Symbol.asyncIterator]()
      .next();
    abort.abort(new Error("stop"));
    await expect(next).rejects.toThrow("stop");
  });

  it("does not start when the signal has been given before", async () => {
    const source = endless();
    const groups = createEncoder(pack, inference).encodeAudio(
      source.pcm,
      undefined,
      AbortSignal.abort(new Error("too late")),
    );
    await expect(groups[Symbol.asyncIterator]().next()).rejects.toThrow("too late");
  });

  it("passes the decoder's failure on", async () => {
    async function* failing(): AsyncGenerator<Float32Array> {
      yield await Promise.resolve(noise(10 * LENGTH, 11));
      throw new Error("the stream is damaged");
    }
    const reading = (async () => {
      for await (const group of createEncoder(pack, inference, { batchSize: 4 }).encodeAudio(failing()))
        expect(group).toBeDefined();
    })();
    await expect(reading).rejects.toThrow("the stream is damaged");
  });

  it("passes a model's failure on, and closes the decoder", async () => {
    const pool = await openPool(pack, 1);
    const source = endless();
    const groups = createEncoder(pack, pool).encodeAudio(source.pcm)[Symbol.asyncIterator]();
    await groups.next();
    await pool.close();
    const rest = (async () => {
      while ((await groups.next()).done !== true);
    })();
    await expect(rest).rejects.toMatchObject({ code: "INFERENCE_CLOSED" });
    expect(source.closed()).toBe(true);
  });
});
