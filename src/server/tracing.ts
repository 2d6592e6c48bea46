import type { RequestHandler } from "express";
import type { Logger, ResolvedOptions } from "../config/index.js";
import { withSpan } from "../telemetry/index.js";

/** Traces of this process that go somewhere. */
export interface Tracing {
  /** Sends what was not sent yet, and ends. Never throws: a collector that is away must not keep a program from ending. */
  close(): Promise<void>;
}

/** Longest time that the end of a program waits for the collector, in milliseconds. */
const GOODBYE_MS = 5_000;

/**
 * Registers a tracer provider for this whole process, which sends spans to an OpenTelemetry collector. For programs only: a
 * plugin leaves that to its host. The packages for it are loaded when there is an address.
 *
 * @returns undefined when no address was given
 */
export async function startTracing(
  { otlpEndpoint, serviceName, sampleRatio }: ResolvedOptions["tracing"],
  logger: Logger,
): Promise<Tracing | undefined> {
  if (otlpEndpoint === undefined) return undefined;
  const [{ OTLPTraceExporter }, { resourceFromAttributes }, sdk] = await Promise.all([
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/sdk-trace-node"),
  ]);
  const url = `${otlpEndpoint.replace(/\/+$/, "")}/v1/traces`;
  const provider = new sdk.NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": serviceName }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [
      new sdk.BatchSpanProcessor(new OTLPTraceExporter({ url, timeoutMillis: GOODBYE_MS }), {
        exportTimeoutMillis: GOODBYE_MS,
      }),
    ],
  });
  provider.register();
  logger.debug({ serviceName, sampleRatio }, "traces are sent to the collector");
  return {
    close: async () => {
      await provider.shutdown().catch((error: unknown) => {
        logger.warn({ err: error }, "the last traces could not be sent");
      });
    },
  };
}

/** Opens a span for each request, below the one that the caller's `traceparent` names. */
export const tracedRequest: RequestHandler = (request, response, next) => {
  const parent = request.get("traceparent") ?? null;
  const attributes = { "http.request.method": request.method, "http.route": request.baseUrl };
  void withSpan(`${request.method} ${request.baseUrl}`, { kind: "server", parent, attributes }, (span) => {
    const answered = new Promise<void>((resolve) => {
      response.once("close", () => {
        span.setAttribute("http.response.status_code", response.statusCode);
        resolve();
      });
    });
    next();
    return answered;
  });
};
