import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TOKENISERS } from "../../../src/encoding/tokenisers.js";
import { word2vecLookUp } from "../../../src/encoding/word2vec-english/look-up.js";
import { Spelling } from "../../../src/encoding/word2vec-english/spelling.js";

/** What the training code's tokenisers are held to as well. */
const { vocabulary, lemmas, spelling, sentences } = JSON.parse(
  readFileSync(new URL("../../../training/tests/tokeniser_sentences.json", import.meta.url), "utf8"),
) as {
  vocabulary: string[];
  lemmas: Record<string, string[]>;
  spelling: [word: string, count: number][];
  sentences: { text: string; simple: string[]; word2vec: string[]; words: string[]; unknown: string[] }[];
};

const rows = new Map(vocabulary.map((word, row) => [word, row]));
const suggestions = await Spelling.parse(spelling.map((entry) => entry.join(" ")).join("\n"), "spelling");
const lookUp = word2vecLookUp({
  rowOf: (word) => rows.get(word),
  lemmas: new Map(Object.entries(lemmas)),
  spelling: suggestions,
});
const simple = TOKENISERS["simple-english-v1"];
const word2vec = TOKENISERS["word2vec-english-v1"];

describe("the sentences shared with the training code", () => {
  it("are some hundred", () => {
    expect(sentences.length).toBeGreaterThan(300);
  });

  it.each(sentences)("$text", (sentence) => {
    expect(simple.tokenise(sentence.text)).toEqual(sentence.simple);
    const tokens = word2vec.tokenise(sentence.text);
    expect(tokens).toEqual(sentence.word2vec);
    expect(tokens.flatMap((token) => lookUp(token))).toEqual(sentence.words);
    const isUnknown = (token: string) => lookUp(token).length === 0 && /[\p{L}\p{N}]/u.test(token);
    expect(tokens.filter(isUnknown)).toEqual(sentence.unknown);
  });
});
