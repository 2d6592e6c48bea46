/**
 * Spans, through OpenTelemetry's API alone: they go wherever the process has registered a tracer provider (the host, or our
 * own server when it was told where to), and cost next to nothing where none is.
 */
import { context, propagation, SpanKind, SpanStatusCode, trace, type Attributes, type Span } from "@opentelemetry/api";

/** How a span is opened. */
export interface SpanOptions {
  attributes?: Attributes;
  /** What made the work: a request that is answered, a job that is taken from a queue. @default "internal" */
  kind?: "internal" | "server" | "consumer";
  /** `traceparent` of the span under which this one belongs, instead of the one that is open here. */
  parent?: string | null;
}

const KINDS = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, consumer: SpanKind.CONSUMER } as const;

/** Does work inside a span, which ends with it. What it throws marks the span as failed, and goes on. */
export async function withSpan<T>(
  name: string,
  { attributes = {}, kind = "internal", parent }: SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const above =
    parent === undefined || parent === null
      ? context.active()
      : propagation.extract(context.active(), { traceparent: parent });
  return trace.getTracer("earshot").startActiveSpan(name, { attributes, kind: KINDS[kind] }, above, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: codeOf(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Opens a span below the one that is open here, for work that has no function of its own. End it. */
export function openSpan(name: string): Span {
  return trace.getTracer("earshot").startSpan(name);
}

/** `traceparent` of the span that is open here, to be kept with work that is done later; null without one. */
export function currentTraceparent(): string | null {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier["traceparent"] ?? null;
}

/** Of an error only what cannot hold a secret or a path. */
function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : error instanceof Error ? error.name : "error";
}
