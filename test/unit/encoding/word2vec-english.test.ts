import { describe, expect, it } from "vitest";
import { cutWord } from "../../../src/encoding/word2vec-english/contractions.js";
import { lemmaOf, parseLemmas } from "../../../src/encoding/word2vec-english/lemmas.js";
import { word2vecLookUp } from "../../../src/encoding/word2vec-english/look-up.js";
import { Spelling } from "../../../src/encoding/word2vec-english/spelling.js";
import { tokenise } from "../../../src/encoding/word2vec-english/tokeniser.js";

const rowOf =
  (...words: string[]) =>
  (word: string) =>
    words.includes(word) ? words.indexOf(word) : undefined;
const spelling = (lines: string) => Spelling.parse(lines, "spelling.txt");

describe("the tokeniser word2vec-english-v1", () => {
  it("keeps case and cuts possessives, hyphens and closing signs", () => {
    expect(tokenise("The dog's high-pitched bark.")).toEqual(["The", "dog", "'s", "high", "-", "pitched", "bark", "."]);
  });

  it("cuts contractions by their table, with their own apostrophes", () => {
    expect(tokenise("don't don’t cannot")).toEqual(["do", "n't", "do", "n’t", "can", "not"]);
    expect(cutWord("its")).toBeUndefined();
  });

  it("leaves a very long piece whole, and a long text of signs is no burden", () => {
    expect(tokenise('"'.repeat(501))).toEqual(['"'.repeat(501)]);
    expect(tokenise('"'.repeat(500))).toHaveLength(500);
  });
});

describe("the lemma of a token", () => {
  const exceptions = new Map([["leaves", ["leaf", "leave"]]]);

  it("is the first exception that is known, else the most frequent base by suffix, else the token in lower case", () => {
    expect(lemmaOf("Leaves", exceptions, rowOf("leave", "leaf"))).toBe("leaf");
    expect(lemmaOf("leaves", exceptions, rowOf("leave"))).toBe("leave");
    expect(lemmaOf("glasses", exceptions, rowOf("glass", "glasse"))).toBe("glass");
    expect(lemmaOf("glasses", exceptions, rowOf("glasse", "glass"))).toBe("glasse");
    expect(lemmaOf("Thunder", exceptions, rowOf("thunder"))).toBe("thunder");
    expect(lemmaOf("n’t", exceptions, rowOf("not"))).toBe("not");
    expect(lemmaOf("glass", exceptions, rowOf("glas"))).toBeUndefined();
  });

  it.each(["goose", "geese goose", "geese\tgoose\tx", "\tgoose", "geese\t", ""])(
    "refuses a table with the line %j",
    (line) => {
      expect(() => parseLemmas(`mice\tmouse\n${line}\nmen\tman\n`, "lemmas.txt")).toThrow(
        /Line 2 .*"lemmas.txt".*form<TAB>lemma/,
      );
    },
  );
});

describe("spelling suggestions", () => {
  it("are the nearest words, the more frequent first, or the word itself", async () => {
    const list = await spelling("a 100\nbread 50\nbird 9\nbred 5\nbraid 7\n");
    expect(list.suggestions("brid")).toEqual(["bird", "braid", "bred"]);
    expect(list.suggestions("bird")).toEqual(["bird"]);
    expect(list.suggestions("zzzzzz")).toEqual([]);
    expect(list.suggestions("a".repeat(1000))).toEqual([]);
  });

  it("count a swap of neighbours as one edit, which nothing edits again", async () => {
    expect((await spelling("abcd 1\nabdce 2\n")).suggestions("abdc")).toEqual(["abdce", "abcd"]);
    expect((await spelling("abc 1\n")).suggestions("ca")).toEqual([]);
  });

  it("take a character of two UTF-16 units for one letter", async () => {
    expect((await spelling("a 9\ni 5\nof 3\n")).suggestions("\u{1F600}")).toEqual(["a", "i"]);
  });

  it.each(["dog", "dog 1 2", "dog -1", "dog 1.5", " 3", "the 4", ""])(
    "refuse a list with the line %j",
    async (line) => {
      await expect(spelling(`the 9\n${line}\nof 8\n`)).rejects.toThrow(/Line 2 .*"spelling.txt".*word count/);
    },
  );
});

describe("reading a long spelling list", () => {
  it("gives other work its turn", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await spelling(Array.from({ length: 40_000 }, (_, i) => `word${i} ${i}\n`).join(""));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });
});

describe("looking a token up", async () => {
  const list = await spelling("the 9\nbird 5\nbard 3\n");
  const lookUp = (...words: string[]) => word2vecLookUp({ rowOf: rowOf(...words), lemmas: new Map(), spelling: list });

  it("goes from the token as written to its lemma, the hand-made split and the first known suggestion", () => {
    expect(lookUp("Birds", "bird")("Birds")).toEqual(["Birds"]);
    expect(lookUp("bird")("Birds")).toEqual(["bird"]);
    expect(lookUp("round", "table")("roundtable")).toEqual(["round", "table"]);
    expect(lookUp("bard")("brid")).toEqual([]);
    expect(lookUp("bird")("brid")).toEqual(["bird"]);
    expect(lookUp("bard")("bord")).toEqual(["bard"]);
  });

  it("does without a spelling list", () => {
    const without = word2vecLookUp({ rowOf: rowOf("bird"), lemmas: new Map(), spelling: undefined });
    expect(without("birds")).toEqual(["bird"]);
    expect(without("brid")).toEqual([]);
  });
});
