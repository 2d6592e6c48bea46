import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEncoder } from "../../../src/encoding/encoder.js";
import type { ClipFeatures, EncodedClip } from "../../../src/encoding/types.js";
import { Vocabulary } from "../../../src/encoding/vocabulary.js";
import type { InferencePool } from "../../../src/models/inference.js";
import { loadModelPack, type ModelPack } from "../../../src/models/pack.js";
import { watched } from "../../fixtures/films.js";
import { IMPORTED_PACK } from "../../fixtures/imported-pack.js";
import { openPool } from "../../fixtures/inference-pool.js";
import { noise } from "../../fixtures/sounds.js";
import { TINY_PACK } from "../../fixtures/tiny-pack.js";

let tiny: ModelPack;
let tinyPool: InferencePool;
let imported: ModelPack;
let importedPool: InferencePool;

beforeAll(async () => {
  [tiny, imported] = await Promise.all([loadModelPack(TINY_PACK), loadModelPack(IMPORTED_PACK)]);
  [tinyPool, importedPool] = await Promise.all([openPool(tiny, 1), openPool(imported, 1)]);
}, 60_000);
afterAll(() => Promise.all([tinyPool.close(), importedPool.close()]));

/** Tokens of 8 numbers, as both experts of the tiny pack give them. */
const tokens = (count: number, seed = 1) => noise(8 * count, seed).map(Math.abs);

const encode = (clips: readonly ClipFeatures[]) => createEncoder(tiny, tinyPool).encodeFeatures(clips);

function expectSame(found: EncodedClip, expected: EncodedClip): void {
  expect(found.pattern).toBe(expected.pattern);
  found.vector.forEach((value, i) => expect(Math.abs(value - expected.vector[i]!)).toBeLessThan(1e-5));
}

describe("encoding clips by their features", () => {
  it("cuts tokens behind an expert's limit, and fills up with zeros to it", async () => {
    const pool = watched(tinyPool);
    await createEncoder(tiny, pool).encodeFeatures([{ vggish: tokens(6), vggsound: tokens(5, 2) }]);
    expect(pool.features["vggish"]).toEqual([[...tokens(6).subarray(0, 4 * 8)]]);
    expect(pool.features["vggsound"]).toEqual([[...tokens(5, 2), ...new Array<number>(7 * 8).fill(0)]]);
    expect(pool.windows).toEqual({});
  });

  it("gives the same whatever comes behind the limit, and unit vectors", async () => {
    const [long, cut] = await encode([
      { vggish: tokens(9), vggsound: tokens(20, 2) },
      { vggish: tokens(9).slice(0, 32), vggsound: tokens(20, 2).slice(0, 96) },
    ]);
    expectSame(long!, cut!);
    expect(long!.pattern).toBe(0b11);
    for (const from of [0, 16]) expect(Math.hypot(...long!.vector.subarray(from, from + 16))).toBeCloseTo(1, 4);
  });

  it("takes an expert as missing that is not named, is null, or has no token", async () => {
    const [absent, isNull, empty, none] = await encode([
      { vggsound: tokens(3) },
      { vggish: null, vggsound: tokens(3) },
      { vggish: new Float32Array(0), vggsound: tokens(3) },
      { vggish: null },
    ]);
    for (const clip of [absent!, isNull!, empty!]) expectSame(clip, absent!);
    expect(absent!.pattern).toBe(0b10);
    expect([...absent!.vector.subarray(0, 16)]).toEqual(new Array(16).fill(0));
    expect(none!.pattern).toBe(0);
    expect(none!.vector.every((value) => value === 0)).toBe(true);
  });

  it("gives any number of clips, in order, what each of them gives alone", async () => {
    const clips = Array.from({ length: 150 }, (_, i) => ({
      vggish: i % 3 === 0 ? null : tokens((i % 6) + 1, i),
      vggsound: tokens((i % 14) + 1, 1000 + i),
    }));
    const together = await encode(clips);
    expect(together).toHaveLength(150);
    for (const i of [0, 1, 63, 64, 65, 128, 149]) expectSame(together[i]!, (await encode([clips[i]!]))[0]!);
    expect(await encode([])).toEqual([]);
  });

  it("refuses features of another width, and says which, what was expected and what was found", async () => {
    await expect(encode([{ vggish: tokens(2), vggsound: new Float32Array(20) }])).rejects.toMatchObject({
      code: "FEATURES_DO_NOT_FIT",
      message: expect.stringMatching(/"vggsound".*tiny@1.0.0.*tokens of 8 numbers.*found 20/) as string,
    });
    const encoder = createEncoder(imported, importedPool);
    await expect(encoder.encodeFeatures([{ inst: new Float32Array(16) }])).rejects.toMatchObject({
      code: "FEATURES_DO_NOT_FIT",
      message: expect.stringMatching(/"inst".*one vector of 8 numbers.*found 16/) as string,
    });
  });

  it("does not run experts that take no part, and keeps the places of the others", async () => {
    const some = createEncoder(tiny, tinyPool, { experts: ["vggsound"] });
    const [found] = await some.encodeFeatures([{ vggish: tokens(4), vggsound: tokens(3) }]);
    expectSame(found!, (await encode([{ vggsound: tokens(3) }]))[0]!);
  });
});

describe("encoding words by their vectors", () => {
  const vectorsOf = async (words: readonly string[]) => {
    const vectors = new Float32Array(words.length * tiny.manifest.textEncoder.wordDim);
    (await Vocabulary.load(tiny)).copyVectors(words, vectors);
    return vectors;
  };
  const encodeWords = async (words: readonly string[]) =>
    createEncoder(tiny, tinyPool).encodeWords(await vectorsOf(words));

  it("gives what the text of these words gives", async () => {
    const found = await encodeWords(["rumble", "whistle"]);
    const expected = await createEncoder(tiny, tinyPool).encodeText("rumble whistle");
    expect(found.embeddings).toEqual(expected.embeddings);
    expect(found.weights).toEqual(expected.weights);
    expect(found.embeddings).toHaveLength(2);
  });

  it("cuts what is behind the pack's word limit", async () => {
    const words = Array.from({ length: 25 }, (_, i) => (i < 20 ? "rumble" : "whistle"));
    const [found, cut] = [await encodeWords(words), await encodeWords(words.slice(0, 20))];
    expect(found.embeddings).toEqual(cut.embeddings);
  });

  it("gives neither embeddings nor weights without a word, as for a text in which none is known", async () => {
    const found = await encodeWords([]);
    const { embeddings, weights } = await createEncoder(tiny, tinyPool).encodeText("xyzzy");
    expect(found).toMatchObject({ embeddings, weights, knownWords: [] });
    expect(found.embeddings).toEqual([]);
  });

  it("refuses vectors of another width", async () => {
    await expect(createEncoder(tiny, tinyPool).encodeWords(new Float32Array(13))).rejects.toMatchObject({
      code: "FEATURES_DO_NOT_FIT",
      message: expect.stringMatching(/expected 12 numbers a word, found 13/) as string,
    });
  });
});

describe("an encoder for some of a pack's experts", () => {
  it("refuses the name of an expert that the pack does not have, and tells those it has", () => {
    expect(() => createEncoder(tiny, tinyPool, { experts: ["vggish", "scene"] })).toThrow(
      expect.objectContaining({
        code: "EXPERT_UNKNOWN",
        message: expect.stringMatching(/"scene".*vggish, vggsound/) as string,
      }) as Error,
    );
  });
});
