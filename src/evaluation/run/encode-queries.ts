import type { EncodedQuery, Encoder } from "../../encoding/index.js";
import type { QueryText } from "./queries.js";

/** Texts in flight at once. The text encoder has one thread, which searches share; more would only make those wait. */
const IN_FLIGHT = 4;

/** What the text encoder made of the texts, in their order. */
export interface EncodedTexts {
  queries: EncodedQuery[];
  /** Whether a word of the text is known, by text; texts of which only vectors are known count by those. */
  known: boolean[];
}

/**
 * Encodes texts, or their word vectors where those are given. A text in which no word is known becomes the pack's vector for
 * such captions, or scores nothing where the pack has none (reference fact 5.4).
 *
 * @param onProgress told the share that is done, 0..1
 * @throws the errors of inference and of the data set's word vectors, and the signal's reason when aborted
 */
export async function encodeTexts(
  encoder: Encoder,
  texts: readonly QueryText[],
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<EncodedTexts> {
  const queries = new Array<EncodedQuery>(texts.length);
  const known = new Array<boolean>(texts.length);
  let next = 0;
  let done = 0;
  const work = async () => {
    for (let place = next++; place < texts.length; place = next++) {
      signal.throwIfAborted();
      const { text, readWords } = texts[place]!;
      if (readWords === undefined) {
        const query = await encoder.encodeText(text, { withoutKnownWords: "empty-vector" });
        queries[place] = query;
        known[place] = query.knownWords.length > 0;
      } else {
        const words = await readWords();
        queries[place] = await encoder.encodeWords(words);
        known[place] = words.length > 0;
      }
      onProgress(++done / texts.length);
    }
  };
  const workers = Array.from({ length: IN_FLIGHT }, work);
  try {
    await Promise.all(workers);
  } finally {
    // When one has failed, the others stop at their next text.
    next = texts.length;
    await Promise.allSettled(workers);
  }
  return { queries, known };
}
