/** What the rooms tell of their work, for metrics. They hand it to the function they were given and know no metric. */

/** How a search ended: with hits, without any, refused for its input, or by a failure. */
export type SearchOutcome = "found" | "nothing" | "refused" | "failed";

/** How an attempt at a job ended; interrupted: cancelled, lost to another worker, or given back. */
export type AttemptOutcome = "completed" | "failed" | "interrupted";

/** One thing that was done. Durations are in seconds. */
export type Observation =
  | { kind: "search"; outcome: SearchOutcome; seconds: number }
  /** A query or the features of a video were, or were not, found in memory or on disk. */
  | { kind: "cache"; cache: "queries" | "features"; hit: boolean }
  | { kind: "vector-call"; engine: string; operation: string; ok: boolean; seconds: number }
  /** A stage of an ingest job ended. */
  | { kind: "ingest-stage"; stage: string; seconds: number }
  /** An attempt at an ingest job ended; `mediaSeconds` is the length of what was indexed, when it was completed. */
  | { kind: "ingest-attempt"; outcome: AttemptOutcome; seconds: number; mediaSeconds?: number }
  | { kind: "evaluation-attempt"; outcome: AttemptOutcome; seconds: number }
  /** A thread opened its models; `device` is `cpu` or `cuda:<number>`. */
  | { kind: "model-load"; device: string; seconds: number }
  /** A graph ran over a batch, in one run or, when memory ran short, in several. */
  | { kind: "inference"; model: string; device: string; batch: number; seconds: number }
  /** Memory ran short: later batches of the model are smaller. */
  | { kind: "batch-reduced"; model: string };

/** Takes observations; it must be quick and must not throw. */
export type Observe = (observation: Observation) => void;

/** For those who measure nothing. */
export const observeNothing: Observe = () => undefined;

/** Seconds since a reading of `performance.now()`. */
export function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}
