import type { Tokeniser } from "./tokeniser.js";

/**
 * The tokeniser "simple-english-v1" of model packs. The training code has its twin; both are held to the cases in
 * training/tests/tokeniser_cases.json and tokeniser_sentences.json.
 */
export const simpleEnglish: Tokeniser = {
  tokenise,
  openLookUp: (_pack, vocabulary) => Promise.resolve((token) => vocabularyWords(token, (word) => vocabulary.has(word))),
};

const CURLY_APOSTROPHES = /[\u2018\u2019\u201B\u02BC]/g;

/** NFKC, straight apostrophes, lower case, no accents. */
export function normaliseQueryText(text: string): string {
  return text
    .normalize("NFKC")
    .replace(CURLY_APOSTROPHES, "'")
    .toLowerCase()
    .normalize("NFD")
    .replace(/\p{M}+/gu, "");
}

/**
 * The tokens of a text: runs of a-z and digits, with one ending after an apostrophe; all else separates.
 * "The dog's café-bar" gives `["the", "dog's", "cafe", "bar"]`.
 */
export function tokenise(text: string): string[] {
  return normaliseQueryText(text).match(/[a-z0-9]+(?:'[a-z]+)?/g) ?? [];
}

/**
 * The vocabulary words that stand for one token: itself, else itself without a possessive 's, else the known parts
 * of its contraction ("don't" as "do" and "n't", as corpora of word vectors have it).
 *
 * @param isKnown whether the vocabulary holds a word
 * @returns empty when the token is unknown
 */
export function vocabularyWords(token: string, isKnown: (word: string) => boolean): string[] {
  if (isKnown(token)) return [token];
  if (token.endsWith("'s") && isKnown(token.slice(0, -2))) return [token.slice(0, -2)];
  return contractionParts(token).filter(isKnown);
}

function contractionParts(token: string): string[] {
  const cut = token.endsWith("n't") ? token.length - 3 : token.indexOf("'");
  return cut === -1 ? [] : [token.slice(0, cut), token.slice(cut)];
}
