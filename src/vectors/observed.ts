import { secondsSince, withSpan, type Observe } from "../telemetry/index.js";
import type { PendingWrite, StagedVideo, VectorIndex } from "./index.js";

/** The calls that are told of: those that ask the engine, and give a promise. */
const OPERATIONS: ReadonlySet<PropertyKey> = new Set<keyof VectorIndex>([
  "create",
  "drop",
  "list",
  "stageVideo",
  "deleteVideo",
  "patterns",
  "query",
  "queryVideos",
  "count",
  "sweepVideo",
  "contentsOf",
]);

/**
 * The same engine, which tells how long each call took and whether it failed, and opens a span for it. What only this engine
 * has stays.
 *
 * @param engine its name, e.g. `local`
 */
export function observedVectorIndex<Index extends VectorIndex>(index: Index, engine: string, observe: Observe): Index {
  const told = async <T>(operation: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    let ok = false;
    try {
      const attributes = { "earshot.vector.engine": engine };
      const result = await withSpan(`vectors ${operation}`, { attributes }, work);
      ok = true;
      return result;
    } finally {
      observe({ kind: "vector-call", engine, operation, ok, seconds: secondsSince(started) });
    }
  };
  const toldWrite = (write: PendingWrite): PendingWrite => ({ publish: () => told("publish", () => write.publish()) });
  // What a write goes on with after the first call are calls, too.
  const withLaterCalls = (operation: PropertyKey, result: unknown): unknown => {
    if (operation === "deleteVideo") return toldWrite(result as PendingWrite);
    if (operation !== "stageVideo") return result;
    const staged = result as StagedVideo;
    return {
      generation: staged.generation,
      commit: async (tx) => toldWrite(await staged.commit(tx)),
      discard: () => told("discard", () => staged.discard()),
    } satisfies StagedVideo;
  };
  return new Proxy(index, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      const call = member.bind(target) as (...values: unknown[]) => unknown;
      if (!OPERATIONS.has(name)) return call;
      return async (...values: unknown[]) => {
        const result = await told(String(name), () => call(...values) as Promise<unknown>);
        return withLaterCalls(name, result);
      };
    },
  });
}
