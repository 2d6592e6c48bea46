import { EvaluationTooLargeError } from "../../errors.js";
import type { QueryVectors, ScoreSource, ScoringRequest } from "./types.js";

/** Scores of the largest table: 1 GiB of numbers with single precision. */
export const MOST_SCORES = 2 ** 28;

/**
 * Refuses a request that cannot be scored, before anything is worked on.
 *
 * @throws EvaluationTooLargeError the table of scores would not fit into memory
 * @throws RangeError the request's parts do not fit together
 */
export function checkRequest({ clips, source, captions, directions, relevance, moments }: ScoringRequest): void {
  const queries = queryCount(source, clips);
  if (queries * clips > MOST_SCORES) {
    throw new EvaluationTooLargeError(
      `${queries} different queries and ${clips} clips make ${queries * clips} scores; ` +
        `an evaluation takes at most ${MOST_SCORES}. Take a smaller split.`,
    );
  }
  if (source.kind === "rows") checkClips(source.rows.clipOfRow, clips);
  if (captions.query.length !== captions.clip.length) throw new RangeError("the captions' arrays differ in length");
  if (captions.query.length === 0 && directions.length > 0) throw new RangeError("there is no caption");
  checkPlaces(captions.query, queries, "query");
  checkPlaces(captions.clip, clips, "clip");
  if (directions.includes("A2T") && new Set(captions.clip).size < clips) {
    throw new RangeError("a clip without a caption cannot look for it");
  }
  for (const { queries: ofSet, name } of relevance) {
    if (ofSet.length === 0) throw new RangeError(`there is no query in the set "${name}"`);
    for (const query of ofSet) {
      if (query.queries.length === 0 || query.relevant.length === 0) {
        throw new RangeError(`a query of the set "${name}" has no text or no right clip`);
      }
      checkPlaces(query.queries, queries, "query");
      checkPlaces(query.relevant, clips, "clip");
    }
  }
  if (moments === null) return;
  if (source.kind === "table") throw new RangeError("moments need the rows of their clips");
  if (moments.query.length !== moments.clip.length) throw new RangeError("the moments' arrays differ in length");
  checkPlaces(moments.query, queries, "query");
  checkPlaces(moments.clip, clips, "clip");
}

function queryCount(source: ScoreSource, clips: number): number {
  if (clips < 1) throw new RangeError("there is no clip");
  const count = source.kind === "table" ? source.scores.length / clips : vectorCount(source.queries);
  if (!Number.isInteger(count)) throw new RangeError("the scores or vectors are no full table");
  if (source.kind === "rows") {
    const { rows, queries } = source;
    if (rows.patterns.length !== rows.clipOfRow.length) throw new RangeError("the rows' arrays differ in length");
    if (rows.dimension !== dimensionOf(queries)) {
      throw new RangeError(`rows of ${rows.dimension} values do not fit queries of ${dimensionOf(queries)}`);
    }
  }
  return count;
}

/** Length of a query's embeddings, one after the other. */
export function dimensionOf({ widths }: QueryVectors): number {
  return widths.reduce((sum, width) => sum + width, 0);
}

/** Number of queries; no whole number when the vectors do not fit together. */
function vectorCount(queries: QueryVectors): number {
  const count = queries.weights.length / queries.widths.length;
  return queries.embeddings.length === count * dimensionOf(queries) ? count : NaN;
}

/** Every clip needs a row; a row needs a clip, or -1. */
function checkClips(clipOfRow: Int32Array, clips: number): void {
  const seen = new Uint8Array(clips);
  for (const clip of clipOfRow) {
    if (clip < -1 || clip >= clips) throw new RangeError(`a row belongs to a clip ${clip} of ${clips}`);
    if (clip !== -1) seen[clip] = 1;
  }
  const without = seen.indexOf(0);
  if (without !== -1) throw new RangeError(`the clip ${without} has no row`);
}

function checkPlaces(places: Iterable<number>, limit: number, what: string): void {
  for (const place of places) {
    if (!(place >= 0 && place < limit)) throw new RangeError(`there is no ${what} ${place} of ${limit}`);
  }
}
