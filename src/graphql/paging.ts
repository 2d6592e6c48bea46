/** Relay paging: page info, the check of `first`, and cursors. */
import "reflect-metadata";
import { Field, ObjectType } from "type-graphql";
import type { AgePosition } from "../catalog/index.js";
import { FirstOutOfRangeError, InvalidCursorError } from "../errors.js";

/** Most items in one page of any list. */
export const MAX_PAGE_SIZE = 100;

/** Items in a page when `first` is null. */
export const DEFAULT_PAGE_SIZE = 20;

@ObjectType({ simpleResolvers: true, description: "Where a page lies in its list." })
export class PageInfo {
  @Field(() => Boolean, { description: "Whether items follow this page." })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: "Whether this page was asked for with `after`, so that items come before it." })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: "Cursor of the first item; null when the page is empty." })
  startCursor!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Cursor of the last item, for `after`; null when the page is empty.",
  })
  endCursor!: string | null;
}

/** Page info of a page which was read forwards. */
export function pageInfo(cursors: readonly string[], hasNextPage: boolean, after: string | null | undefined): PageInfo {
  return Object.assign(new PageInfo(), {
    hasNextPage,
    hasPreviousPage: after !== null && after !== undefined,
    startCursor: cursors[0] ?? null,
    endCursor: cursors.at(-1) ?? null,
  });
}

/** The parts of a connection which all lists have. */
export interface Page<Item> {
  edges: { cursor: string; node: Item }[];
  nodes: Item[];
  pageInfo: PageInfo;
}

/**
 * A page of a list which was read forwards.
 *
 * @param records those of the page, and one more when others follow
 * @param size the most items of the page
 */
export function pageOf<Row, Item>(
  records: readonly Row[],
  { size, after }: { size: number; after: string | null | undefined },
  cursorOf: (record: Row) => string,
  itemOf: (record: Row) => Item,
): Page<Item> {
  const edges = records.slice(0, size).map((record) => ({ cursor: cursorOf(record), node: itemOf(record) }));
  const cursors = edges.map(({ cursor }) => cursor);
  return { edges, nodes: edges.map(({ node }) => node), pageInfo: pageInfo(cursors, records.length > size, after) };
}

/**
 * Checks a page size.
 *
 * @throws FirstOutOfRangeError
 */
export function checkFirst(first: number): void {
  if (!Number.isInteger(first) || first < 1 || first > MAX_PAGE_SIZE) {
    throw new FirstOutOfRangeError(`"first" must be from 1 to ${MAX_PAGE_SIZE}, not ${first}.`, { field: "first" });
  }
}

/** Writes a cursor: the name of the list, and what the place of an item is told by. */
export function encodeCursor(list: string, ...place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([list, ...place])).toString("base64url");
}

/**
 * Reads a cursor of the list called `list`.
 *
 * @param placeOf makes a place of what the cursor holds of it; null when that is no place
 * @throws InvalidCursorError when it is damaged, invented or of another list.
 */
export function decodeCursor<Place>(
  list: string,
  cursor: string,
  placeOf: (parts: readonly unknown[]) => Place | null,
): Place {
  const bytes = Buffer.from(cursor, "base64url");
  if (bytes.toString("base64url") === cursor) {
    try {
      const parts: unknown = JSON.parse(bytes.toString("utf8"));
      const place = Array.isArray(parts) && parts[0] === list ? placeOf(parts.slice(1)) : null;
      if (place !== null) return place;
    } catch {
      // Not JSON: the same answer as for any other damaged cursor.
    }
  }
  throw new InvalidCursorError(
    'The cursor was not given out by this list. Leave "after" out to start from the first page.',
    { field: "after" },
  );
}

/** Writes the cursor of an item of the list called `list`, which is ordered by age. */
export function encodeAgeCursor(list: string, position: AgePosition): string {
  return encodeCursor(list, position.createdAt.getTime(), position.id);
}

/**
 * Reads a cursor of the list called `list`, which is ordered by age.
 *
 * @throws InvalidCursorError when it is damaged, invented or of another list.
 */
export function decodeAgeCursor(list: string, cursor: string): AgePosition {
  return decodeCursor(list, cursor, ([time, id, ...more]) => {
    if (!Number.isSafeInteger(time) || typeof id !== "string" || id === "" || more.length > 0) return null;
    const createdAt = new Date(time as number);
    // Dates end long before integers do.
    return Number.isNaN(createdAt.getTime()) ? null : { createdAt, id };
  });
}
