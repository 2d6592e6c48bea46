/** Metrics in the Prometheus text format. Each server has a registry of its own. */
import { collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Earshot } from "../earshot.js";

/** Upper bounds in seconds: from a search of a small index to one that is too slow for people. */
const SEARCH_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Metrics of one running server. */
export interface Metrics {
  /** Value of the Content-Type header. */
  contentType: string;
  /** The current values as text; jobs and index sizes are read at this moment. */
  text(): Promise<string>;
  /** Stops listening to searches. */
  close(): void;
}

/** Starts collecting: process and event loop, searches, jobs by state, segments by index. */
export function createMetrics(earshot: Earshot): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const searches = new Histogram({
    name: "earshot_search_duration_seconds",
    help: "Time that finished searches took.",
    buckets: SEARCH_BUCKETS,
    registers: [registry],
  });
  const observe = (seconds: number): void => searches.observe(seconds);
  earshot.events.on("search", observe);

  new Gauge({
    name: "earshot_ingest_jobs",
    help: "Ingest jobs of all tenants by state.",
    labelNames: ["state"] as const,
    registers: [registry],
    async collect() {
      for (const [state, count] of Object.entries(await earshot.catalog.jobs.countByState()))
        this.set({ state }, count);
    },
  });
  new Gauge({
    name: "earshot_index_segments",
    help: "Segments of all tenants in each vector index.",
    labelNames: ["index"] as const,
    registers: [registry],
    async collect() {
      this.reset();
      for (const index of await earshot.vectors.list()) this.set({ index: index.id }, index.count);
    },
  });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    close: () => void earshot.events.off("search", observe),
  };
}
