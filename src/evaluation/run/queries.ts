/** Which texts of a data set are asked, of which clips, and what the right answers are. */
import type { EvaluationDataset, WordFeatures } from "../datasets/index.js";
import type { Span } from "../metrics/moment-metrics.js";
import type { ScoredCaptions, ScoredRelevanceSet } from "../scoring/index.js";

/** A text to be encoded. */
export interface QueryText {
  text: string;
  /** Reads its word vectors [words, dim]; undefined where the text itself is encoded. */
  readWords?: () => Promise<Float32Array>;
}

/** A caption that is a query. */
export interface CaptionQuery {
  /** `<clip id>#<caption number>`, counted from 1; the clip's id alone where its captions are one query. */
  key: string;
  text: string;
  /** Place of its clip in the pool. */
  clip: number;
  /** Place of its text among the texts. */
  query: number;
}

/** A query whose times are known, of a clip in the pool. */
export interface MomentPair {
  /** Place of its text among the texts. */
  query: number;
  /** Place of its clip in the pool. */
  clip: number;
  truths: readonly Span[];
}

/** All that is asked in an evaluation. */
export interface QueryPlan {
  /** Each text once. */
  texts: readonly QueryText[];
  captions: readonly CaptionQuery[];
  relevance: readonly ScoredRelevanceSet[];
  moments: readonly MomentPair[];
}

/**
 * Plans the queries of a data set over the clips that take part. Captions are chosen or fused as the protocol says; queries
 * with several right clips keep those that are in the pool, and are left out where none is.
 *
 * @param pool places of the clips in `dataset.clips`
 * @param words the data set's word vectors, where the pack takes them; null: texts are encoded
 */
export function planQueries(dataset: EvaluationDataset, pool: Uint32Array, words: WordFeatures | null): QueryPlan {
  const texts = new DistinctTexts();
  const placeInPool = new Map(Array.from(pool, (clip, place) => [clip, place]));
  const captions: CaptionQuery[] = [];
  pool.forEach((clip, place) => {
    for (const { suffix, text, numbers } of chosenCaptions(dataset, clip)) {
      const { id, row } = dataset.clips[clip]!;
      const readWords = words === null ? undefined : () => readAll(words, row, numbers);
      captions.push({ key: `${id}${suffix}`, text, clip: place, query: texts.place(text, readWords) });
    }
  });
  const relevance = dataset.relevance.map(({ name, queries }) => ({
    name,
    queries: queries.flatMap((query) => {
      const relevant = query.relevant.flatMap((clip) => placeInPool.get(clip) ?? []);
      return relevant.length === 0 ? [] : [{ queries: query.texts.map((text) => texts.place(text)), relevant }];
    }),
  }));
  const moments = dataset.moments.flatMap(({ clip, text, truths }) => {
    const place = placeInPool.get(clip);
    return place === undefined ? [] : [{ query: texts.place(text), clip: place, truths }];
  });
  return { texts: texts.list, captions, relevance: relevance.filter(({ queries }) => queries.length > 0), moments };
}

/** The captions as the scoring takes them. */
export function scoredCaptions({ captions }: QueryPlan): ScoredCaptions {
  return {
    query: Uint32Array.from(captions, ({ query }) => query),
    clip: Uint32Array.from(captions, ({ clip }) => clip),
  };
}

interface ChosenCaption {
  suffix: string;
  text: string;
  /** Numbers of the captions it is made of. */
  numbers: readonly number[];
}

function chosenCaptions({ clips, protocol }: EvaluationDataset, clip: number): ChosenCaption[] {
  const { captions } = clips[clip]!;
  if (captions.length === 0) return [];
  if (protocol.fuseCaptions) return [{ suffix: "", text: captions.join(" "), numbers: [...captions.keys()] }];
  const chosen = captions.slice(0, protocol.captionsPerClip);
  return chosen.map((text, number) => ({ suffix: `#${number + 1}`, text, numbers: [number] }));
}

async function readAll(words: WordFeatures, row: number, numbers: readonly number[]): Promise<Float32Array> {
  const vectors = await Promise.all(numbers.map((number) => words.read(row, number)));
  const joined = new Float32Array(vectors.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const vector of vectors) {
    joined.set(vector, offset);
    offset += vector.length;
  }
  return joined;
}

/** Texts by their places; equal ones share one, unless their word vectors are given. */
class DistinctTexts {
  readonly list: QueryText[] = [];
  private readonly places = new Map<string, number>();

  place(text: string, readWords?: () => Promise<Float32Array>): number {
    if (readWords !== undefined) return this.list.push({ text, readWords }) - 1;
    const known = this.places.get(text);
    if (known !== undefined) return known;
    const place = this.list.push({ text }) - 1;
    this.places.set(text, place);
    return place;
  }
}
