/** Chooses the queries that a report shows: those answered best, and those answered worst. */
import type { EvaluationRankRecord } from "../../catalog/index.js";

/** Most queries of each kind. */
export const MOST_QUERIES = 10;

/** Hits that are shown of each query, as in the paper's Figure 1. */
export const SHOWN_HITS = 3;

/** The queries of one direction that a report shows. */
export interface ChosenQueries {
  /** By rank, then by how far the right answer lies before the first wrong one. */
  best: EvaluationRankRecord[];
  /** Never of rank 1; by rank, then by how far the right answer lies behind the first hit. */
  worst: EvaluationRankRecord[];
}

/** Looks through the queries of one direction, a page at a time, and keeps what a report needs of them. */
export class QueryChooser {
  /** Ranks from 1, in the order in which the queries came. */
  readonly ranks: number[] = [];
  /** The best and the worst query of every right clip: a clip is shown once of each kind. */
  readonly #best = new Map<string, EvaluationRankRecord>();
  readonly #worst = new Map<string, EvaluationRankRecord>();

  add(query: EvaluationRankRecord): void {
    this.ranks.push(query.rank);
    const best = this.#best.get(query.target);
    if (best === undefined || byBest(query, best) < 0) this.#best.set(query.target, query);
    const worst = this.#worst.get(query.target);
    if (worst === undefined || byBest(query, worst) > 0) this.#worst.set(query.target, query);
  }

  /** What was chosen. No query stands on both sides; of a few queries, half may be the best. */
  chosen(): ChosenQueries {
    const best = [...this.#best.values()].sort(byBest).slice(0, Math.min(MOST_QUERIES, Math.ceil(this.#best.size / 2)));
    const taken = new Set(best.map(({ ordinal }) => ordinal));
    const worst = [...this.#worst.values()]
      .filter(({ ordinal, rank }) => rank > 1 && !taken.has(ordinal))
      .sort((a, b) => byBest(b, a))
      .slice(0, MOST_QUERIES);
    return { best, worst };
  }
}

/** Lower ranks first; of equal ranks the one whose right answer leads by more. Then as in the data set. */
function byBest(a: EvaluationRankRecord, b: EvaluationRankRecord): number {
  return a.rank - b.rank || lead(b) - lead(a) || a.ordinal - b.ordinal;
}

/** Score of the right answer above the best wrong one; negative where a wrong one is better. */
function lead({ score, hits }: EvaluationRankRecord): number {
  const wrong = hits.find(({ right }) => !right);
  return wrong === undefined ? 0 : score - wrong.score;
}
