import { ModelLoadFailedError } from "../../errors.js";

/**
 * Base forms of English words: a table of exceptions, else suffix rules in the manner of WordNet's morphy. Twin of
 * training/earshot_training/text/lemmas.py.
 */

/** What the halves of contractions stand for; "ta" is of "gotta". */
const HALVES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "n't": "not",
    nt: "not",
    "'ll": "will",
    "'ve": "have",
    "'re": "be",
    "'m": "be",
    "'d": "would",
    ca: "can",
    wo: "will",
    sha: "shall",
    gon: "go",
    na: "to",
    ta: "to",
    "c'm": "come",
    "y'": "you",
  }),
);

/** Endings of inflected forms and of their base: nouns, then verbs, then adjectives. */
const RULES: readonly (readonly [ending: string, replacement: string])[] = [
  ["ches", "ch"],
  ["shes", "sh"],
  ["ses", "s"],
  ["xes", "x"],
  ["zes", "z"],
  ["ies", "y"],
  ["men", "man"],
  ["s", ""],
  ["es", "e"],
  ["es", ""],
  ["ed", "e"],
  ["ed", ""],
  ["ing", "e"],
  ["ing", ""],
  ["er", ""],
  ["est", ""],
  ["er", "e"],
  ["est", "e"],
];
const SHORTEST_BASE = 2;

/** Lemmas of irregular forms, the likelier first, by the form in lower case. */
export type LemmaTable = ReadonlyMap<string, readonly string[]>;

/**
 * Reads the file `lemmas` of a pack: a line "form<TAB>lemma" for each exception.
 *
 * @throws ModelLoadFailedError a line has another form
 */
export function parseLemmas(text: string, name: string): LemmaTable {
  const table = new Map<string, string[]>();
  text.split(/\r?\n/).forEach((line, index, lines) => {
    if (line === "" && index === lines.length - 1) return;
    const [form, lemma, ...more] = line.split("\t");
    if (!form || !lemma || more.length > 0)
      throw new ModelLoadFailedError(
        `Line ${index + 1} of the model pack's file "${name}" should be "form<TAB>lemma", but is ` +
          `${JSON.stringify(line.slice(0, 60))}.`,
      );
    const listed = table.get(form);
    if (listed === undefined) table.set(form, [lemma]);
    else listed.push(lemma);
  });
  return table;
}

/**
 * The lemma of a token among the words of a vocabulary. In lower case: the first exception that is in the
 * vocabulary; else, of what the suffix rules make of it, the word that comes first in the vocabulary, which is the
 * most frequent; else the token itself.
 *
 * @param rowOf row of a word in the vocabulary
 */
export function lemmaOf(
  token: string,
  exceptions: LemmaTable,
  rowOf: (word: string) => number | undefined,
): string | undefined {
  const form = token.toLowerCase().replaceAll("’", "'");
  const half = HALVES.get(form);
  const listed = [...(exceptions.get(form) ?? []), ...(half === undefined ? [] : [half])];
  const exception = listed.find((lemma) => rowOf(lemma) !== undefined);
  if (exception !== undefined) return exception;
  let best: string | undefined;
  for (const base of suffixBases(form)) {
    const row = rowOf(base);
    if (row !== undefined && (best === undefined || row < rowOf(best)!)) best = base;
  }
  return best ?? (rowOf(form) === undefined ? undefined : form);
}

/** What an inflected form may come from by its ending. Words in -ss have none for the -s. */
function suffixBases(form: string): string[] {
  return RULES.filter(([ending]) => form.endsWith(ending) && !(ending === "s" && form.endsWith("ss")))
    .map(([ending, replacement]) => form.slice(0, form.length - ending.length) + replacement)
    .filter((base) => [...base].length >= SHORTEST_BASE);
}
