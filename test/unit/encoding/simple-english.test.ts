import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { normaliseQueryText, tokenise, vocabularyWords } from "../../../src/encoding/simple-english.js";

/** The cases that the training code's tokeniser is held to as well. */
const cases = JSON.parse(
  readFileSync(new URL("../../../training/tests/tokeniser_cases.json", import.meta.url), "utf8"),
) as { text: string; tokens: string[] }[];

describe("the tokeniser", () => {
  it.each(cases)("cuts $text as the training code does", ({ text, tokens }) => {
    expect(tokenise(text)).toEqual(tokens);
  });

  it("gives the same normal form however accents and widths are encoded", () => {
    expect(normaliseQueryText("Cafe\u0301")).toBe(normaliseQueryText("CAF\u00C9"));
    expect(normaliseQueryText("\uFF24\uFF4F\uFF47")).toBe("dog");
  });
});

describe("looking a token up", () => {
  const lookUp = (token: string, ...known: string[]) => vocabularyWords(token, (word) => known.includes(word));

  it("prefers the whole token", () => {
    expect(lookUp("o'clock", "o'clock", "o", "'clock")).toEqual(["o'clock"]);
    expect(lookUp("dog's", "dog's", "dog")).toEqual(["dog's"]);
  });

  it("then leaves a possessive out", () => {
    expect(lookUp("dog's", "dog", "'s")).toEqual(["dog"]);
  });

  it("then splits a contraction and takes its known parts", () => {
    expect(lookUp("don't", "do", "n't")).toEqual(["do", "n't"]);
    expect(lookUp("can't", "ca", "n't")).toEqual(["ca", "n't"]);
    expect(lookUp("don't", "do")).toEqual(["do"]);
    expect(lookUp("they're", "they", "'re")).toEqual(["they", "'re"]);
    expect(lookUp("it's", "'s")).toEqual(["'s"]);
  });

  it("finds nothing for an unknown token", () => {
    expect(lookUp("zorp", "dog")).toEqual([]);
    expect(lookUp("zorp's", "dog")).toEqual([]);
    expect(lookUp("n't", "dog")).toEqual([]);
  });
});
