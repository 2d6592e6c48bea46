/**
 * Search cursors: an opaque, URL-safe string which says after which video the next page starts.
 *
 * A cursor holds the position (score, video id), the videos up to it, and a fingerprint of everything that decides the
 * order: the index, and tenant, query, filter and least relevance. A cursor of another search, or of
 * another index, is refused instead of silently giving a page of something else. The checksum catches damaged and edited
 * cursors; it is no secret, and none is needed, since a cursor opens nothing that the search itself
 * would not show.
 */
import { createHash } from "node:crypto";
import { CursorOutdatedError, InvalidCursorError } from "../errors.js";
import type { VideoPosition } from "../vectors/index.js";

/** Bytes of the checksum. */
const CHECKSUM_BYTES = 6;
/** Bytes of the fingerprint: those of the index come first. */
const FINGERPRINT_BYTES = 12;
const INDEX_BYTES = 3;
const VERSION = 3;
const SCORE_AT = 1 + FINGERPRINT_BYTES;
const RANK_AT = SCORE_AT + 8;
const HEAD_BYTES = RANK_AT + 4;

/** A place in the results of a search. */
export interface ResultPosition extends VideoPosition {
  /** Number of the video in the results as they were paged, from 1. */
  rank: number;
}

/**
 * Fingerprint of a search: equal for equal searches, whatever the order of the keys in the filter.
 *
 * @param indexId The index that is searched.
 * @param parts Everything else that decides which videos are found and in which order.
 */
export function searchFingerprint(indexId: string, parts: unknown): Buffer {
  return Buffer.concat([hash(indexId, INDEX_BYTES), hash(canonicalJson(parts), FINGERPRINT_BYTES - INDEX_BYTES)]);
}

/** Writes a position as a cursor. */
export function encodeCursor(position: ResultPosition, fingerprint: Buffer): string {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(VERSION, 0);
  fingerprint.copy(head, 1);
  head.writeDoubleBE(position.score, SCORE_AT);
  head.writeUInt32BE(position.rank, RANK_AT);
  const body = Buffer.concat([head, Buffer.from(position.videoId, "utf8")]);
  return Buffer.concat([checksum(body), body]).toString("base64url");
}

/**
 * Reads a cursor.
 *
 * @throws InvalidCursorError when it was not written by {@link encodeCursor}, was altered, or belongs
 *   to another search
 * @throws CursorOutdatedError when it belongs to the same search in another index
 */
export function decodeCursor(cursor: string, fingerprint: Buffer): ResultPosition {
  const bytes = Buffer.from(cursor, "base64url");
  const body = bytes.subarray(CHECKSUM_BYTES);
  if (
    bytes.toString("base64url") !== cursor ||
    body.length <= HEAD_BYTES ||
    !checksum(body).equals(bytes.subarray(0, CHECKSUM_BYTES)) ||
    body.readUInt8(0) !== VERSION
  ) {
    throw new InvalidCursorError(
      'The cursor was not given out by this search. Leave "after" out to start from the first page.',
    );
  }
  const found = body.subarray(1, 1 + FINGERPRINT_BYTES);
  if (!found.subarray(INDEX_BYTES).equals(fingerprint.subarray(INDEX_BYTES))) {
    throw new InvalidCursorError(
      "The cursor belongs to another search. Use a cursor with the same query, filter and minRelevance it came from.",
    );
  }
  if (!found.equals(fingerprint)) {
    throw new CursorOutdatedError(
      'The library has changed over to another model since that page was made. Leave "after" out to start again.',
    );
  }
  return {
    score: body.readDoubleBE(SCORE_AT),
    rank: body.readUInt32BE(RANK_AT),
    videoId: body.subarray(HEAD_BYTES).toString("utf8"),
  };
}

function hash(text: string, bytes: number): Buffer {
  return createHash("sha256").update(text).digest().subarray(0, bytes);
}

function checksum(body: Buffer): Buffer {
  return createHash("sha256").update("earshot search cursor").update(body).digest().subarray(0, CHECKSUM_BYTES);
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part) && !(part instanceof Date)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
