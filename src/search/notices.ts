import type { EncodedQuery } from "../encoding/index.js";
import type { SearchNotice } from "./types.js";

/** What the author of a query should know about how it was understood. */
export function queryNotices({ knownWords, unknownWords, cutWords }: EncodedQuery): SearchNotice[] {
  const notices: SearchNotice[] = [];
  if (knownWords.length === 0) {
    notices.push({
      code: "NO_KNOWN_WORD",
      message: "No word of the query is known to the model. Describe the sound in plain English words.",
      words: unknownWords,
    });
  } else if (unknownWords.length > 0) {
    notices.push({
      code: "UNKNOWN_WORDS",
      message: `Searched without ${quoted(unknownWords)}: not known to the model.`,
      words: unknownWords,
    });
  }
  if (cutWords.length > 0) {
    notices.push({
      code: "QUERY_CUT",
      message: `Only the first ${knownWords.length} words were used; left out: ${quoted(cutWords)}.`,
      words: cutWords,
    });
  }
  return notices;
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `“${word}”`).join(", ");
}
