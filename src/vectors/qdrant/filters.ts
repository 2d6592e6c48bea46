import type { Schemas } from "@qdrant/js-client-rest";
import type { VectorFilter } from "../index.js";
import type { PointPayload } from "./points.js";

export type Filter = Schemas["Filter"];
type Condition = Schemas["FieldCondition"];

/** Video ids in one filter: some 40 KB of request. */
const IDS_IN_FILTER = 1000;

/** The field has this value. */
export function is(key: keyof PointPayload, value: string | number): Condition {
  return { key, match: { value } };
}

/** The field has one of these values. */
export function isAnyOf(key: keyof PointPayload, values: Iterable<string> | Iterable<number>): Condition {
  return { key, match: { any: [...values] as string[] | number[] } };
}

/** A condition for each list that is not empty. */
export function unlessEmpty(key: keyof PointPayload, values: readonly string[] | readonly number[]): Condition[] {
  return values.length === 0 ? [] : [isAnyOf(key, values as readonly string[])];
}

/**
 * The conditions of a filter, in parts whose answers have to be put together: a filter may name more videos than fit
 * into one request. No part where the filter lets nothing through.
 */
export function partsOf({ tenant, videoIds }: VectorFilter): Condition[][] {
  if (videoIds === undefined) return [[is("tenant", tenant)]];
  const ids = [...new Set(videoIds)];
  const parts: Condition[][] = [];
  for (let from = 0; from < ids.length; from += IDS_IN_FILTER) {
    parts.push([is("tenant", tenant), isAnyOf("videoId", ids.slice(from, from + IDS_IN_FILTER))]);
  }
  return parts;
}
