import { VectorEngineRefusedError } from "../../errors.js";
import type { QdrantConnection } from "./connection.js";
import { isAnyOf, type Filter } from "./filters.js";
import type { PointPayload } from "./points.js";

/** Most values that are asked for at once: there are far fewer patterns, and generations of some videos. */
const MOST_VALUES = 10_000;

/** Counts the points by the values of one field. */
export class FieldValues {
  /** Servers before 1.12 cannot; found out once. */
  private canFacet = true;

  constructor(private readonly connection: QdrantConnection) {}

  /**
   * Number of points of each value among those that a filter lets through.
   *
   * @param exact whether the numbers matter; if not, they are estimates, and a value that was removed a moment ago may
   *   still be among them
   */
  async count<Value extends string | number>(
    collection: string,
    key: keyof PointPayload,
    filter: Filter,
    exact: boolean,
  ): Promise<Map<Value, number>> {
    if (this.canFacet) {
      try {
        const hits = await this.connection.read(async (api, { init, timeout }) => {
          const body = { collection_name: collection, timeout, key, filter, limit: MOST_VALUES, exact };
          return (await api.facet(body, init)).data.result?.hits;
        });
        return new Map(hits.filter(({ count }) => count > 0).map(({ value, count }) => [value as Value, count]));
      } catch (error) {
        if (!isUnsupported(error)) throw error;
        this.canFacet = false;
      }
    }
    return this.countOneByOne(collection, key, filter);
  }

  /** Looks for a point of a value not yet seen until there is none, and counts each. */
  private async countOneByOne<Value extends string | number>(
    collection: string,
    key: keyof PointPayload,
    filter: Filter,
  ): Promise<Map<Value, number>> {
    const must = [filter.must ?? []].flat();
    const counts = new Map<Value, number>();
    for (;;) {
      const unseen = counts.size === 0 ? {} : { must_not: [isAnyOf(key, [...counts.keys()] as string[])] };
      const points = await this.connection.read(async (api, { init, timeout }) => {
        const body = {
          collection_name: collection,
          timeout,
          filter: { must, ...unseen },
          limit: 1,
          with_payload: [key],
        };
        return (await api.scrollPoints(body, init)).data.result?.points;
      });
      const value = points[0]?.payload?.[key] as Value | undefined;
      if (value === undefined) return counts;
      counts.set(value, await this.countPoints(collection, { must: [...must, isAnyOf(key, [value] as string[])] }));
    }
  }

  /** Exact number of points that a filter lets through. */
  async countPoints(collection: string, filter: Filter): Promise<number> {
    return this.connection.read(async (api, { init, timeout }) => {
      const body = { collection_name: collection, timeout, filter, exact: true };
      return (await api.countPoints(body, init)).data.result?.count;
    });
  }
}

function isUnsupported(error: unknown): boolean {
  const detail = error instanceof VectorEngineRefusedError ? (error.detail ?? "") : "";
  return detail.startsWith("404") || detail.includes("No appropriate index for faceting");
}
