/** Cursors of lists of ranks. They name their list, for a place in another one would mean nothing. */
import type { EvaluationRankRecord, RankOrder, RetrievalDirection } from "../../catalog/index.js";
import { decodeCursor, encodeCursor } from "../paging.js";

/** What a list of ranks is told apart by. */
export interface RankList {
  evaluationId: string;
  direction: RetrievalDirection;
  order: RankOrder;
}

/** Place in a list of ranks. */
export type RankPosition = Pick<EvaluationRankRecord, "rank" | "ordinal">;

/** Writes the cursor of a query. */
export function encodeRankCursor(list: RankList, { rank, ordinal }: RankPosition): string {
  return encodeCursor(nameOf(list), rank, ordinal);
}

/**
 * Reads a cursor.
 *
 * @throws InvalidCursorError when it is damaged, invented or of another list.
 */
export function decodeRankCursor(list: RankList, cursor: string): RankPosition {
  // JSON has no infinity, but reads numbers that are too large, such as 1e999, as one.
  return decodeCursor(nameOf(list), cursor, ([rank, ordinal]) =>
    Number.isFinite(rank) && isOrdinal(ordinal) ? { rank: rank as number, ordinal } : null,
  );
}

function nameOf({ evaluationId, direction, order }: RankList): string {
  return `ranks:${evaluationId}:${direction}:${order}`;
}

/** Not larger than the database's integers. */
function isOrdinal(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 31;
}
