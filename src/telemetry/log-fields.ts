import { AsyncLocalStorage } from "node:async_hooks";
import { trace } from "@opentelemetry/api";

/** What tells where a log line belongs. */
export interface LogFields {
  /** The request in whose name something is done. */
  requestId?: string;
  /** The ingest job or evaluation. */
  jobId?: string;
}

const current = new AsyncLocalStorage<LogFields>();

/** Runs work so that every line which it logs, however deep, carries the fields. */
export function withLogFields<T>(fields: LogFields, work: () => T): T {
  return current.run({ ...current.getStore(), ...fields }, work);
}

/** The fields of a line that is logged now; with the trace's ids while a span is open. */
export function logFields(): LogFields & { traceId?: string; spanId?: string } {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined) return { ...current.getStore() };
  return { ...current.getStore(), traceId: span.traceId, spanId: span.spanId };
}
