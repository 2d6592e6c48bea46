/** The best points of several searches, put into one order. */
import type { Schemas } from "@qdrant/js-client-rest";
import type { PatternQuery, VectorFilter } from "../index.js";
import type { QdrantConnection } from "./connection.js";
import { is, partsOf, unlessEmpty } from "./filters.js";
import { inTurns } from "./in-turns.js";
import type { PointPayload } from "./points.js";

/** Searches in one request. */
const SEARCHES_AT_ONCE = 16;
/** Requests at the same time. */
const REQUESTS_AT_ONCE = 4;

/** One question: which points of one pattern, within some conditions, fit a vector best. */
export interface PatternSearch {
  vector: number[];
  conditions: Schemas["FieldCondition"][];
}

/** A point found. */
export type ScoredPoint = Pick<PointPayload, "segmentId" | "videoId" | "generation"> & { score: number };

/** What a ranking has to leave out. */
export interface LeftOut {
  videoIds: readonly string[];
  generations: readonly string[];
}

/** The best points, best first. */
export interface RankedPoints {
  points: ScoredPoint[];
  /** Every point of a better score is among them; of this score some. -Infinity when all points are. */
  horizon: number;
}

/** The searches for a filter: a pattern and a part of the filter each. */
export function searchesFor(queries: readonly PatternQuery[], filter: VectorFilter): PatternSearch[] {
  const parts = partsOf(filter);
  return queries.flatMap(({ pattern, vector }) => {
    const numbers = Array.from(vector);
    return parts.map((conditions) => ({ vector: numbers, conditions: [...conditions, is("pattern", pattern)] }));
  });
}

/** Sends searches of one collection. */
export class PointSearch {
  /**
   * @param ef neighbours that the graph is searched for
   * @param oversampling how many times as many points the 8-bit vectors give; undefined where there are none
   */
  constructor(
    private readonly connection: QdrantConnection,
    private readonly collection: string,
    private readonly ef: number,
    private readonly oversampling: number | undefined,
  ) {}

  /**
   * The best `depth` points of each search, together.
   *
   * @param minScore about which score is the least of interest
   */
  async best(
    searches: readonly PatternSearch[],
    depth: number,
    leftOut: LeftOut,
    minScore: number | undefined,
  ): Promise<RankedPoints> {
    const must_not = [...unlessEmpty("generation", leftOut.generations), ...unlessEmpty("videoId", leftOut.videoIds)];
    // Qdrant leaves out equal scores, and compares in float32: the caller draws the exact line.
    const threshold =
      minScore === undefined ? {} : { score_threshold: minScore - 1e-6 * Math.max(1, Math.abs(minScore)) };
    const requests = searches.map(({ vector, conditions }) => ({
      query: vector,
      filter: { must: conditions, ...(must_not.length === 0 ? {} : { must_not }) },
      limit: depth,
      params: this.approximate(depth),
      with_payload: ["segmentId", "videoId", "generation"],
      ...threshold,
    }));
    const points = new Map<string, ScoredPoint>();
    let horizon = -Infinity;
    for (const found of await this.send(requests)) {
      for (const { id, score, payload } of found) {
        points.set(String(id), { ...(payload as unknown as PointPayload), score: Math.fround(score) });
      }
      const last = found.at(-1);
      if (found.length >= depth && last !== undefined) horizon = Math.max(horizon, Math.fround(last.score));
    }
    return { points: [...points.values()].sort((a, b) => b.score - a.score), horizon };
  }

  /** All points of each search, exactly scored; no more than `limit` each. */
  async all(searches: readonly PatternSearch[], limit: number): Promise<(PointPayload & { score: number })[]> {
    const requests = searches.map(({ vector, conditions }) => ({
      query: vector,
      filter: { must: conditions },
      limit,
      params: { exact: true, quantization: { ignore: true } },
      with_payload: ["videoId", "ordinal"],
    }));
    return (await this.send(requests)).flat().map(({ score, payload }) => {
      return { ...(payload as unknown as PointPayload), score: Math.fround(score) };
    });
  }

  private async send(requests: readonly Schemas["QueryRequest"][]): Promise<Schemas["ScoredPoint"][][]> {
    const groups: Schemas["QueryRequest"][][] = [];
    for (let from = 0; from < requests.length; from += SEARCHES_AT_ONCE) {
      groups.push(requests.slice(from, from + SEARCHES_AT_ONCE));
    }
    const answers = await inTurns(groups, REQUESTS_AT_ONCE, (searches) =>
      this.connection.read(async (api, { init, timeout }) => {
        const body = { collection_name: this.collection, timeout, searches };
        return (await api.queryBatchPoints(body, init)).data.result;
      }),
    );
    return answers.flat().map(({ points }) => points);
  }

  private approximate(depth: number): Schemas["SearchParams"] {
    const { oversampling } = this;
    return {
      hnsw_ef: Math.max(this.ef, depth),
      // Scored again with the stored vectors, so that a score never depends on how a segment was found.
      ...(oversampling === undefined ? {} : { quantization: { rescore: true, oversampling } }),
    };
  }
}
