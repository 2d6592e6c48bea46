import { LRUCache } from "lru-cache";
import type { LookUp } from "../tokeniser.js";
import { lemmaOf, type LemmaTable } from "./lemmas.js";
import type { Spelling } from "./spelling.js";

/** The one word that the reference takes apart by hand. */
const HAND_MADE_SPLITS: ReadonlyMap<string, readonly string[]> = new Map([["roundtable", ["round", "table"]]]);

/** Tokens whose words are remembered: only what had to be searched for is kept. */
const REMEMBERED = 10_000;

/** The tables of a look-up. */
export interface LookUpTables {
  /** Row of a word in the vocabulary, whose rows are in the order of frequency. */
  rowOf: (word: string) => number | undefined;
  lemmas: LemmaTable;
  /** Undefined without a list. */
  spelling: Spelling | undefined;
}

/**
 * How the paper's program finds a word for a token (reference fact 5.4). By the first of these that gives a word of
 * the vocabulary: the token itself, case kept; its lemma; the hand-made split; the first known of its spelling
 * suggestions. Else the token is dropped.
 */
export function word2vecLookUp({ rowOf, lemmas, spelling }: LookUpTables): LookUp {
  const isKnown = (word: string) => rowOf(word) !== undefined;
  const search = (token: string): readonly string[] => {
    const lemma = lemmaOf(token, lemmas, rowOf);
    if (lemma !== undefined) return [lemma];
    const split = (HAND_MADE_SPLITS.get(token) ?? []).filter(isKnown);
    if (split.length > 0) return split;
    const suggestion = spelling?.suggestions(token).find(isKnown);
    return suggestion === undefined ? [] : [suggestion];
  };
  const found = new LRUCache<string, readonly string[]>({ max: REMEMBERED });
  return (token) => {
    if (isKnown(token)) return [token];
    let words = found.get(token);
    if (words === undefined) found.set(token, (words = search(token)));
    return words;
  };
}
