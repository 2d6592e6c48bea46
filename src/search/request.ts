/** The checks of a search request: each bad value has an error of its own. */
import {
  FirstOutOfRangeError,
  MinRelevanceOutOfRangeError,
  MomentsPerVideoOutOfRangeError,
  QueryEmptyError,
  QueryTooLongError,
  SearchTooDeepError,
} from "../errors.js";
import { DEEPEST_RANK, MAX_FIRST, MAX_MOMENTS_PER_VIDEO, type SearchRequest } from "./types.js";

/**
 * Checks the numbers of a request.
 *
 * @throws FirstOutOfRangeError, MomentsPerVideoOutOfRangeError, MinRelevanceOutOfRangeError
 */
export function checkRanges({ first, momentsPerVideo, minRelevance }: SearchRequest): void {
  if (!isWhole(first, 1, MAX_FIRST)) {
    throw new FirstOutOfRangeError(`"first" must be from 1 to ${MAX_FIRST}, not ${first}.`, { field: "first" });
  }
  if (!isWhole(momentsPerVideo, 1, MAX_MOMENTS_PER_VIDEO)) {
    throw new MomentsPerVideoOutOfRangeError(
      `"momentsPerVideo" must be from 1 to ${MAX_MOMENTS_PER_VIDEO}, not ${momentsPerVideo}.`,
      { field: "momentsPerVideo" },
    );
  }
  // Written so that NaN fails, too.
  if (minRelevance !== undefined && !(minRelevance >= 0 && minRelevance <= 1)) {
    throw new MinRelevanceOutOfRangeError(`"minRelevance" must be from 0 to 1, not ${minRelevance}.`, {
      field: "minRelevance",
    });
  }
}

/**
 * Checks how deep a page begins.
 *
 * @param rank videos before it
 * @throws SearchTooDeepError
 */
export function checkDepth(rank: number): void {
  if (rank < DEEPEST_RANK) return;
  throw new SearchTooDeepError(
    `No page begins behind the first ${DEEPEST_RANK} videos. Narrow the search by a filter, by "minRelevance" or by more words.`,
    { field: "after" },
  );
}

/**
 * Brings a query into one form: Unicode NFKC, no invisible characters, single spaces.
 *
 * @param maxCharacters Longest query, in characters after normalisation.
 * @throws QueryEmptyError when no letter and no digit is left, QueryTooLongError
 */
export function normaliseQuery(query: string, maxCharacters: number): string {
  // Measured before any work is done on it, so that a huge query costs nothing.
  if (query.length > 4 * maxCharacters) throw tooLong(query.length, maxCharacters);
  const text = query
    .normalize("NFKC")
    // Soft hyphens, direction marks and the like stand inside words.
    .replace(/\p{Cf}/gu, "")
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim();
  if (!/[\p{L}\p{N}]/u.test(text)) {
    throw new QueryEmptyError('The query holds no words. Describe a sound, e.g. "a dog barks".', { field: "query" });
  }
  const characters = [...text].length;
  if (characters > maxCharacters) throw tooLong(characters, maxCharacters);
  return text;
}

function tooLong(characters: number, maxCharacters: number): QueryTooLongError {
  return new QueryTooLongError(
    `The query has ${characters} characters; at most ${maxCharacters} are allowed. Describe the sound in a sentence.`,
    { field: "query" },
  );
}

function isWhole(value: number, low: number, high: number): boolean {
  return Number.isInteger(value) && value >= low && value <= high;
}
