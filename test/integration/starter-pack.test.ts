import { fileURLToPath } from "node:url";
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEncoder, queryVector, type EncodedSegment, type Encoder } from "../../src/encoding/index.js";
import {
  createInferencePool,
  flatDimension,
  loadModelPack,
  type InferencePool,
  type ModelPack,
} from "../../src/models/index.js";
import { recordedLog } from "../fixtures/recorded-log.js";
import { inChunks, inTurn, noise, silence, tone } from "../fixtures/sounds.js";

const STARTER = fileURLToPath(new URL("../../models/starter", import.meta.url));
const SEGMENT = 61_440;

let pack: ModelPack;
let inference: InferencePool;
let encoder: Encoder;

const openPool = (threads: number, workers?: number) =>
  createInferencePool(
    pack,
    {
      executionProviders: ["cpu"],
      whenProviderMissing: "refuse",
      threads,
      ...(workers === undefined ? {} : { workers }),
    },
    recordedLog(),
  );

beforeAll(async () => {
  pack = await loadModelPack(STARTER);
  inference = await openPool(2);
  encoder = createEncoder(pack, inference);
});
afterAll(() => inference.close());

async function encode(sound: Float32Array, through = encoder, chunk = 16_000): Promise<EncodedSegment[]> {
  const segments: EncodedSegment[] = [];
  for await (const group of through.encodeAudio(inChunks(sound, chunk))) segments.push(...group);
  return segments;
}

/** The parts of a flat vector, one for each expert. */
function parts(vector: Float32Array): Float32Array[] {
  let offset = 0;
  return pack.manifest.experts.map(({ embeddingDim }) => vector.subarray(offset, (offset += embeddingDim)));
}

const length = (vector: Float32Array) => Math.hypot(...vector);

function largestDifference(a: readonly EncodedSegment[], b: readonly EncodedSegment[]): number {
  expect(a.map(({ vector: _, ...rest }) => rest)).toEqual(b.map(({ vector: _, ...rest }) => rest));
  return Math.max(...a.flatMap(({ vector }, s) => [...vector].map((value, d) => Math.abs(value - b[s]!.vector[d]!))));
}

/** Different sounds of different loudness, with silence in between and a tail that fills no window. */
const mixture = () =>
  inTurn(
    noise(2 * SEGMENT, 1),
    tone(440, SEGMENT),
    silence(2 * SEGMENT),
    noise(SEGMENT, 2, 0.01),
    tone(3000, SEGMENT + 5_000, 0.9),
  );

describe("the starter pack", () => {
  it("loads, with all graphs as its manifest says", async () => {
    await inference.warmUp();
    expect(pack.id).toMatch(/^starter@\d+\.\d+\.\d+$/);
    expect(pack.manifest.experts.map(({ name }) => name)).toEqual(["vggish", "vggsound"]);
  });

  it("is small enough to ship, and knows enough words", () => {
    const sizes = readdirSync(STARTER).map((name) => statSync(path.join(STARTER, name)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(25_000_000);
    expect(pack.manifest.textEncoder.vocabulary.size).toBeGreaterThanOrEqual(20_000);
  });

  it("gives unit embeddings for every expert of a segment", async () => {
    const segments = await encode(mixture());
    expect(segments.length).toBeGreaterThan(8);
    for (const { vector, pattern } of segments) {
      expect(vector).toHaveLength(flatDimension(pack.manifest));
      expect(pattern).toBe(0b11);
      for (const part of parts(vector)) expect(length(part)).toBeCloseTo(1, 4);
    }
  });

  it("gives the same vectors whatever the batch size, the chunks, and the number of workers", async () => {
    const sound = mixture();
    const expected = await encode(sound);
    expect(
      largestDifference(await encode(sound, createEncoder(pack, inference, { batchSize: 1 })), expected),
    ).toBeLessThan(1e-5);
    expect(
      largestDifference(await encode(sound, createEncoder(pack, inference, { batchSize: 7 }), 1_111), expected),
    ).toBeLessThan(1e-5);
    for (const [threads, workers] of [
      [1, 1],
      [3, 3],
      [2, 1],
    ] as const) {
      const pool = await openPool(threads, workers);
      expect(largestDifference(await encode(sound, createEncoder(pack, pool)), expected)).toBeLessThan(1e-5);
      await pool.close();
    }
  });

  it("gives the same vector for the same sound at another time", async () => {
    const sound = noise(SEGMENT + 240, 3);
    const [alone] = await encode(sound);
    const later = await encode(inTurn(silence(4 * SEGMENT), sound));
    const same = later.find(({ index }) => index === 8)!;
    expect(Math.max(...same.vector.map((value, d) => Math.abs(value - alone!.vector[d]!)))).toBeLessThan(1e-5);
  });

  it.each([
    ["one sample", tone(440, 1, 1).fill(0.5)],
    ["a fifth of a second", noise(3_200, 4)],
    ["a click", silence(SEGMENT).fill(1, 30_000, 30_002)],
    ["a constant", silence(SEGMENT).fill(0.3)],
    ["a square wave at full scale", tone(200, SEGMENT).map(Math.sign)],
    ["noise at the edge of silence", noise(SEGMENT, 5, 2e-4)],
    ["samples far beyond full scale", noise(SEGMENT, 6, 1e30)],
  ])("gives finite unit embeddings for %s", async (_, sound) => {
    for (const { vector } of await encode(sound)) {
      for (const part of parts(vector)) expect(length(part)).toBeCloseTo(1, 4);
    }
    expect(await encode(sound)).not.toHaveLength(0);
  });

  it("gives unit embeddings and weights for a query, and scores between -1 and 1", async () => {
    const query = await encoder.encodeText("A dog's barking while it rains; don't worry");
    expect(query.knownWords).toEqual(["a", "dog", "barking", "while", "it", "rains", "do", "n't", "worry"]);
    expect(query.unknownWords).toEqual([]);
    for (const embedding of query.embeddings) expect(length(embedding)).toBeCloseTo(1, 4);
    expect(query.weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
    for (const { vector, pattern } of await encode(mixture())) {
      const score = queryVector(query, pattern).reduce((sum, value, d) => sum + value * vector[d]!, 0);
      expect(Math.abs(score)).toBeLessThanOrEqual(1.0001);
    }
  });

  it("reports the words it does not know", async () => {
    const query = await encoder.encodeText("a flurbwozzle barks");
    expect(query.unknownWords).toEqual(["flurbwozzle"]);
    expect(query.knownWords).toEqual(["a", "barks"]);
  });
});
