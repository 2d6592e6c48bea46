import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEncoder } from "../../../src/encoding/encoder.js";
import type { Encoder } from "../../../src/encoding/types.js";
import type { InferencePool } from "../../../src/models/inference.js";
import { loadModelPack, type ModelPack } from "../../../src/models/pack.js";
import { openPool } from "../../fixtures/inference-pool.js";
import { TINY_PACK } from "../../fixtures/tiny-pack.js";
import { makeWord2vecPack, type Word2vecTables } from "../../fixtures/word2vec-pack.js";

let pack: ModelPack;
let inference: InferencePool;
let encoder: Encoder;

beforeAll(async () => {
  pack = await loadModelPack(TINY_PACK);
  inference = await openPool(pack, 1);
  encoder = createEncoder(pack, inference);
}, 60_000);
afterAll(() => inference.close());

const length = (vector: Float32Array) => Math.hypot(...vector);
const cosine = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0) / length(a) / length(b);

describe("encoding a query", () => {
  it("gives one unit embedding and one weight per expert", async () => {
    const query = await encoder.encodeText("Thunder rumbles, a dog");
    expect(query.embeddings.map((embedding) => embedding.length)).toEqual([16, 16]);
    for (const embedding of query.embeddings) expect(length(embedding)).toBeCloseTo(1, 5);
    expect(query.weights).toHaveLength(2);
    expect(query.weights[0]! + query.weights[1]!).toBeCloseTo(1, 6);
  });

  it("tells known from unknown words, each unknown one once", async () => {
    const query = await encoder.encodeText("A zorp drum, a zorp's bell: don't whistle");
    expect(query.tokens).toEqual(["a", "zorp", "drum", "a", "zorp's", "bell", "don't", "whistle"]);
    expect(query.knownWords).toEqual(["drum", "bell", "don't", "whistle"]);
    expect(query.unknownWords).toEqual(["a", "zorp", "zorp's"]);
    expect(query.cutWords).toEqual([]);
  });

  it("puts words of one meaning near each other", async () => {
    const [bird, chirp, thunder] = await Promise.all(
      ["a bird", "chirp", "thunder"].map((text) => encoder.encodeText(text)),
    );
    expect(cosine(bird!.embeddings[0]!, chirp!.embeddings[0]!)).toBeGreaterThan(0.9);
    expect(cosine(bird!.embeddings[0]!, thunder!.embeddings[0]!)).toBeLessThan(0.3);
  });

  it.each(["zorp flurb", "", "...", "\u72D7\u5728\u53EB"])(
    "gives no embedding for %j, where no word is known",
    async (text) => {
      const query = await encoder.encodeText(text);
      expect(query.knownWords).toEqual([]);
      expect(query.embeddings).toEqual([]);
      expect(query.weights).toHaveLength(0);
    },
  );

  it("cuts known words beyond the pack's limit and names them", async () => {
    const twenty = Array.from({ length: 20 }, () => "hum").join(" ");
    const query = await encoder.encodeText(`${twenty} whistle zorp`);
    expect(query.knownWords).toHaveLength(20);
    expect(query.cutWords).toEqual(["whistle"]);
    const embeddings = (await encoder.encodeText(twenty)).embeddings;
    expect(cosine(query.embeddings[0]!, embeddings[0]!)).toBeCloseTo(1, 6);
  });

  it("answers texts with the same tokens from memory", async () => {
    const first = await encoder.encodeText("Bird and siren");
    expect(await encoder.encodeText("  bird AND\tsiren! ")).toBe(first);
  });

  it("forgets the query that was not asked for the longest time", async () => {
    const small = createEncoder(pack, inference, { queryCacheSize: 2 });
    const bird = await small.encodeText("bird");
    await small.encodeText("siren");
    expect(await small.encodeText("bird")).toBe(bird);
    await small.encodeText("hum");
    expect(await small.encodeText("bird")).toBe(bird);
    const siren = await small.encodeText("siren");
    expect(await small.encodeText("siren")).toBe(siren);
  });

  it("gives other work its turn while it reads a long text of unknown words", async () => {
    await encoder.encodeText("bird");
    let turns = 0;
    let next = setImmediate(function count() {
      turns++;
      next = setImmediate(count);
    });
    const { unknownWords } = await encoder.encodeText(Array.from({ length: 160 }, (_, i) => `zorp${i}`).join(" "));
    clearImmediate(next);
    expect(unknownWords).toHaveLength(160);
    expect(turns).toBeGreaterThanOrEqual(9);
  });

  it("does not remember a failure", async () => {
    const closing = await openPool(pack, 1);
    const failing = createEncoder(pack, closing);
    await failing.encodeText("zorp");
    await closing.close();
    await expect(failing.encodeText("bird")).rejects.toMatchObject({ code: "INFERENCE_CLOSED" });
    await expect(failing.encodeText("bird")).rejects.toMatchObject({ code: "INFERENCE_CLOSED" });
  }, 60_000);

  it("refuses a vocabulary that does not have as many words as the manifest says", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "earshot-pack-"));
    try {
      cpSync(TINY_PACK, folder, { recursive: true });
      writeFileSync(path.join(folder, "vocabulary.txt"), "bird\nbird\n");
      await expect(createEncoder({ ...pack, directory: folder }, inference).encodeText("bird")).rejects.toMatchObject({
        code: "MODEL_LOAD_FAILED",
        message: expect.stringContaining("40 different words") as string,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("encoding a text with the tokeniser word2vec-english-v1", () => {
  const folders: string[] = [];
  afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

  /** An encoder of the tiny pack, whose networks are the same, with another vocabulary. */
  async function encoderWith(tables: Word2vecTables): Promise<Encoder> {
    const folder = mkdtempSync(path.join(tmpdir(), "earshot-pack-"));
    folders.push(folder);
    makeWord2vecPack(folder, tables);
    return createEncoder(await loadModelPack(folder), inference);
  }
  const emptyVector = Array.from({ length: 12 }, (_, i) => (i === 3 ? 1 : 0.25));
  const spelling = "whistle 9\nbird 8\nsteam 7\n";

  it("finds words by lemma and spelling, and reports the rest", async () => {
    const other = await encoderWith({ lemmas: "mice\tmouse\n", spelling });
    const query = await other.encodeText("Mice drummed, a brid's flurbwozzle");
    expect(query.tokens).toEqual(["Mice", "drummed", ",", "a", "brid", "'s", "flurbwozzle"]);
    expect(query.knownWords).toEqual(["mouse", "bird"]);
    expect(query.unknownWords).toEqual(["drummed", "a", "'s", "flurbwozzle"]);
  });

  it("gives what vectors in half precision give", async () => {
    const words = "thunder rumble spray";
    const [half, single] = [await encoder.encodeText(words), await (await encoderWith({})).encodeText(words)];
    expect(single.knownWords).toEqual(half.knownWords);
    expect(single.embeddings).toEqual(half.embeddings);
  });

  it.each(["flurbwozzle", "", "?!"])(
    "gives a person nothing for %j, where no word is known, and an evaluation the pack's empty vector",
    async (text) => {
      const other = await encoderWith({ spelling: "of 9\n", emptyVector });
      const search = await other.encodeText(text);
      expect([search.knownWords, search.embeddings, search.weights]).toEqual([[], [], new Float32Array(0)]);
      const caption = await other.encodeText(text, { withoutKnownWords: "empty-vector" });
      expect(caption.knownWords).toEqual([]);
      for (const embedding of caption.embeddings) expect(length(embedding)).toBeCloseTo(1, 5);
      const drum = await other.encodeText("drum", { withoutKnownWords: "empty-vector" });
      expect(cosine(caption.embeddings[0]!, drum.embeddings[0]!)).toBeLessThan(0.99);
    },
  );

  it("takes words that signs alone are spelled as for a caption, but not for a search", async () => {
    const other = await encoderWith({ renamed: { hum: "hm" }, spelling: "hm 9\n", emptyVector });
    const search = await other.encodeText("?!");
    expect([search.knownWords, search.unknownWords, search.embeddings]).toEqual([[], [], []]);
    const caption = await other.encodeText("?!", { withoutKnownWords: "empty-vector" });
    expect(caption.knownWords).toEqual(["hm", "hm"]);
    expect((await other.encodeText("bird!")).knownWords).toEqual(["bird", "hm"]);
  });

  it("gives an evaluation nothing, too, where the pack has no empty vector", async () => {
    const caption = await encoder.encodeText("flurbwozzle", { withoutKnownWords: "empty-vector" });
    expect(caption.embeddings).toEqual([]);
  });

  it.each([
    ["spelling.txt", { spelling: "tea\n" }],
    ["lemmas.txt", { lemmas: "mice\n" }],
  ])("refuses a damaged %s by name", async (name, tables) => {
    await expect((await encoderWith(tables)).encodeText("bird")).rejects.toMatchObject({
      code: "MODEL_LOAD_FAILED",
      message: expect.stringContaining(name) as string,
    });
  });
});
