import { Counter, Histogram, type Registry } from "prom-client";
import type { Observation, Observe } from "../telemetry/index.js";

/** Upper bounds in seconds: from a search of a small index to one that is too slow for people. */
const SEARCH_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Upper bounds in seconds: one call of an engine beside us, to one over the network that is in trouble. */
const CALL_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Upper bounds in seconds: to probe a clip, to encode a film of hours. */
const STAGE_BUCKETS = [0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400];

/** Upper bounds in seconds: one small network over a few windows, to a large one on a CPU. */
const RUN_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Upper bounds in seconds: small graphs from the disk cache, to gigabytes that go to a GPU. */
const LOAD_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

const SPEED_BUCKETS = [0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500];

/**
 * Registers the metrics of what this process does.
 *
 * @returns counts an observation
 */
export function workMetrics(registry: Registry): Observe {
  const registers = [registry];
  const histogram = <Label extends string>(name: string, help: string, buckets: number[], labelNames: Label[] = []) =>
    new Histogram({ name, help, buckets, labelNames, registers });
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name, help, labelNames, registers });

  const searches = histogram(
    "earshot_search_duration_seconds",
    "Time that searches took, by how they ended.",
    SEARCH_BUCKETS,
    ["outcome"],
  );
  const caches = counter("earshot_cache_requests_total", "Look-ups in caches, by cache and result (hit, miss).", [
    "cache",
    "result",
  ]);
  const calls = histogram(
    "earshot_vector_engine_duration_seconds",
    "Time that calls of the vector engine took.",
    CALL_BUCKETS,
    ["engine", "operation"],
  );
  const failedCalls = counter("earshot_vector_engine_errors_total", "Calls of the vector engine that failed.", [
    "engine",
    "operation",
  ]);
  const stages = histogram(
    "earshot_ingest_stage_duration_seconds",
    "Time that stages of ingest jobs took, of those that came to their end.",
    STAGE_BUCKETS,
    ["stage"],
  );
  const attempts = counter("earshot_ingest_attempts_total", "Attempts at ingest jobs that ended, by how they ended.", [
    "outcome",
  ]);
  const busy = counter("earshot_ingest_busy_seconds_total", "Time spent on completed ingest jobs.");
  const media = counter(
    "earshot_ingest_media_seconds_total",
    "Length of the media that completed ingest jobs indexed.",
  );
  const speed = histogram(
    "earshot_ingest_speed_ratio",
    "Length of the media over the time of the job (times real time), of completed ingest jobs.",
    SPEED_BUCKETS,
  );
  const evaluations = counter(
    "earshot_evaluation_attempts_total",
    "Attempts at evaluations that ended, by how they ended.",
    ["outcome"],
  );
  const loads = histogram(
    "earshot_model_load_duration_seconds",
    "Time that opening the models took, for each thread, by device.",
    LOAD_BUCKETS,
    ["device"],
  );
  const runs = histogram("earshot_inference_duration_seconds", "Time that a model took for a batch.", RUN_BUCKETS, [
    "model",
    "device",
  ]);
  const batches = histogram(
    "earshot_inference_batch_windows",
    "Windows, segments or queries in a batch of a model.",
    BATCH_BUCKETS,
    ["model"],
  );
  const reductions = counter(
    "earshot_inference_batch_reductions_total",
    "Times that memory ran short and the batches of a model were made smaller.",
    ["model"],
  );
  // Alerts compare these before anything has happened.
  for (const outcome of ["completed", "failed", "interrupted"]) {
    attempts.inc({ outcome }, 0);
    evaluations.inc({ outcome }, 0);
  }

  const take: { [Kind in Observation["kind"]]: (what: Extract<Observation, { kind: Kind }>) => void } = {
    search: ({ outcome, seconds }) => searches.observe({ outcome }, seconds),
    cache: ({ cache, hit }) => caches.inc({ cache, result: hit ? "hit" : "miss" }),
    "vector-call": ({ engine, operation, ok, seconds }) => {
      calls.observe({ engine, operation }, seconds);
      failedCalls.inc({ engine, operation }, ok ? 0 : 1);
    },
    "ingest-stage": ({ stage, seconds }) => stages.observe({ stage }, seconds),
    "ingest-attempt": ({ outcome, seconds, mediaSeconds }) => {
      attempts.inc({ outcome });
      if (mediaSeconds === undefined) return;
      busy.inc(seconds);
      media.inc(mediaSeconds);
      speed.observe(mediaSeconds / seconds);
    },
    "evaluation-attempt": ({ outcome }) => evaluations.inc({ outcome }),
    "model-load": ({ device, seconds }) => loads.observe({ device }, seconds),
    inference: ({ model, device, batch, seconds }) => {
      runs.observe({ model, device }, seconds);
      batches.observe({ model }, batch);
    },
    "batch-reduced": ({ model }) => reductions.inc({ model }),
  };
  return (what) => (take[what.kind] as (what: Observation) => void)(what);
}
