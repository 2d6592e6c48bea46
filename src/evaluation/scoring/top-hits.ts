import { forEachCaption, type SimilarityTable } from "../metrics/ranks.js";
import type { TopHits } from "./types.js";

/** Answers that are kept of each query. */
export const TOP_HITS = 10;

/** The best clips of each caption. */
export function textToAudioHits(table: SimilarityTable): TopHits {
  const { scores, clips, clipOfCaption } = table;
  const best = new BestAnswers(clipOfCaption.length, clips);
  forEachCaption(table, (caption, start) => {
    for (let clip = 0; clip < clips; clip++) best.offer(caption, clip, scores[start + clip]!);
  });
  return best.hits();
}

/** The best captions of each clip. */
export function audioToTextHits(table: SimilarityTable): TopHits {
  const { scores, clips, clipOfCaption } = table;
  const best = new BestAnswers(clips, clipOfCaption.length);
  forEachCaption(table, (caption, start) => {
    for (let clip = 0; clip < clips; clip++) best.offer(clip, caption, scores[start + clip]!);
  });
  return best.hits();
}

/** Keeps the best answers of many queries. */
class BestAnswers {
  private readonly width: number;
  private readonly items: Uint32Array;
  private readonly scores: Float32Array;
  /** Answers that each query has. */
  private readonly filled: Uint32Array;
  /** The score that an answer has to beat; NaN, which nothing is below, while there is room. */
  private readonly threshold: Float32Array;

  constructor(queries: number, answers: number) {
    this.width = Math.min(TOP_HITS, answers);
    this.items = new Uint32Array(queries * this.width);
    this.scores = new Float32Array(queries * this.width);
    this.filled = new Uint32Array(queries);
    this.threshold = new Float32Array(queries).fill(NaN);
  }

  /** Answers of equal scores have to come in their order. */
  offer(query: number, item: number, score: number): void {
    if (score <= this.threshold[query]!) return;
    this.insert(query, item, score);
  }

  hits(): TopHits {
    return { width: this.width, items: this.items, scores: this.scores };
  }

  private insert(query: number, item: number, score: number): void {
    const start = query * this.width;
    const last = start + this.width - 1;
    if (this.filled[query]! < this.width) this.filled[query]!++;
    let place = start + this.filled[query]! - 1;
    for (; place > start && this.scores[place - 1]! < score; place--) {
      this.scores[place] = this.scores[place - 1]!;
      this.items[place] = this.items[place - 1]!;
    }
    this.scores[place] = score;
    this.items[place] = item;
    if (this.filled[query] === this.width) this.threshold[query] = this.scores[last]!;
  }
}
