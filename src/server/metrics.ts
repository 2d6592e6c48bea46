/** Metrics in the Prometheus text format. Each endpoint has a registry of its own; docs/observability.md lists the metrics. */
import { collectDefaultMetrics, Registry } from "prom-client";
import type { Earshot } from "../earshot.js";
import { stateGauges } from "./state-gauges.js";
import { workMetrics } from "./work-metrics.js";

/** Metrics of one process. */
export interface Metrics {
  /** Value of the Content-Type header. */
  contentType: string;
  /** The current values as text; what the database knows is read at this moment. */
  text(): Promise<string>;
  /** Stops listening to what is done. */
  close(): void;
}

/** Starts collecting: what this process does, what the database knows, and the process itself with its event loop. */
export function createMetrics(earshot: Earshot): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const observe = workMetrics(registry);
  earshot.openingObservations.forEach(observe);
  earshot.events.on("observation", observe);
  stateGauges(registry, earshot);
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    close: () => void earshot.events.off("observation", observe),
  };
}
