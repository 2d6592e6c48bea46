import type { Benchmark } from "./benchmark.js";
import { capacity } from "./capacity.js";
import { clipEncoding } from "./clip-encoding.js";
import { databaseSize } from "./database-size.js";
import { evaluation } from "./evaluation.js";
import { ingestSpeed } from "./ingest-speed.js";
import { memory } from "./memory.js";
import { moments } from "./moments.js";
import { reindex } from "./reindex.js";
import { searchLatency } from "./search-latency.js";
import { startUp } from "./start-up.js";

/** All benchmarks, in the order in which they run. */
export const BENCHMARKS: readonly Benchmark[] = [
  ingestSpeed,
  reindex,
  searchLatency,
  startUp,
  memory,
  moments,
  clipEncoding,
  evaluation,
  databaseSize,
  capacity,
];
