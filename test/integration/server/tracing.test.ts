import path from "node:path";
import { trace } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { startServer, startTracing, type RunningServer } from "../../../src/server/index.js";
import { addScoredVideo, openTestEarshot, TEST_PACK_WORD, type TestEarshot } from "../../fixtures/earshot.js";
import { openEvaluating } from "../../fixtures/evaluating.js";
import { writeWav } from "../../fixtures/media-files.js";
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from "../../fixtures/otlp-receiver.js";
import { recordedLog } from "../../fixtures/recorded-log.js";
import { SOUND_CLIPS, writeSoundDataset } from "../../fixtures/sound-dataset.js";
import { SAMPLE_RATE, tone } from "../../fixtures/sounds.js";
import type { Logger } from "../../../src/config/index.js";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";
const logger = recordedLog() as unknown as Logger;

let test: TestEarshot;
let server: RunningServer;

beforeEach(async () => {
  test = await openTestEarshot();
  server = await startServer(test.earshot, { port: 0 });
});
afterEach(async () => {
  await server.close();
  await test.end();
  trace.disable();
});

async function post(query: string, headers: Record<string, string> = {}): Promise<void> {
  const response = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query }),
  });
  expect(await response.json()).not.toHaveProperty("errors");
}

const SEARCH = `{ searchVideosByAudio(query: "${TEST_PACK_WORD}") { nodes { externalId } } }`;

describe("traces that are sent to a collector", () => {
  let receiver: OtlpReceiver;
  beforeEach(async () => {
    receiver = await startOtlpReceiver();
  });
  afterEach(() => receiver.close());

  const start = async (sampleRatio = 1) =>
    (await startTracing({ otlpEndpoint: `${receiver.url}/`, serviceName: "earshot-test", sampleRatio }, logger))!;
  /** Sends all spans, also that of a job whose state was written a moment ago. */
  const spansEnd = async (tracing: { close(): Promise<void> }) => {
    await test.earshot.ingest.stop({ finishSeconds: 60 });
    await tracing.close();
  };
  const named = (name: string): ReceivedSpan => {
    const span = receiver.spans.find((candidate) => candidate.name === name);
    if (span === undefined) throw new Error(`no span "${name}" among ${receiver.spans.map((s) => s.name).join(", ")}`);
    return span;
  };

  it("go on where the caller's trace is, from the request to the search and its parts", async () => {
    const tracing = await start();
    await addScoredVideo(test, { externalId: "film", word: TEST_PACK_WORD, scores: [0.9] });
    await post(SEARCH, { traceparent: `00-${TRACE}-${CALLER}-01` });
    await tracing.close();

    expect(receiver.requests[0]).toBe("POST /v1/traces application/json");
    expect([...receiver.services]).toEqual(["earshot-test"]);
    const request = named("POST /graphql");
    expect(request).toMatchObject({ traceId: TRACE, parentSpanId: CALLER });
    expect(request.attributes).toContainEqual({ key: "http.response.status_code", value: { intValue: 200 } });
    const search = named("search");
    expect(search).toMatchObject({ traceId: TRACE, parentSpanId: request.spanId });
    expect(search.attributes).toContainEqual({ key: "earshot.search.hits", value: { intValue: 1 } });
    for (const part of ["search encode-text", "vectors queryVideos", "search catalog"]) {
      expect(named(part)).toMatchObject({ traceId: TRACE, parentSpanId: search.spanId });
    }
  });

  it("go on from the submission of a job to its stages, in whatever process it is worked on", async () => {
    const tracing = await start();
    await writeWav(path.join(test.media, "alarm.wav"), tone(2000, 4 * SAMPLE_RATE));
    await post(
      `mutation { ingestVideo(input: { source: { path: "alarm.wav" }, externalId: "a" }) { job { id } userErrors { code } } }`,
      {
        traceparent: `00-${TRACE}-${CALLER}-01`,
      },
    );
    const [submitted] = await test.earshot.catalog.jobs.list(DEFAULT_TENANT, {}, 1);
    await test.earshot.start();
    await test.earshot.ingest.waitFor(DEFAULT_TENANT, submitted!.id);
    await spansEnd(tracing);

    const job = named("ingest");
    expect(job).toMatchObject({ traceId: TRACE, parentSpanId: named("POST /graphql").spanId, kind: 5 });
    expect(job.attributes).toContainEqual({ key: "earshot.job.id", value: { stringValue: submitted!.id } });
    for (const part of ["ingest probing", "ingest encoding", "ingest committing", "vectors stageVideo"]) {
      expect(named(part)).toMatchObject({ traceId: TRACE, parentSpanId: job.spanId });
    }
  });

  it("say which spans failed, by the error's code and nothing more", async () => {
    const tracing = await start();
    await writeWav(path.join(test.media, "silence.wav"), new Float32Array(SAMPLE_RATE));
    const { id } = await test.earshot.ingest.submit({ source: { path: "silence.wav" } }, DEFAULT_TENANT);
    await test.earshot.start();
    await test.earshot.ingest.waitFor(DEFAULT_TENANT, id);
    await spansEnd(tracing);
    expect(named("ingest").status).toEqual({ code: 2, message: "MEDIA_SILENT" });
    expect(JSON.stringify(receiver.spans)).not.toContain(test.folder);
  });

  it("are left out when the caller does not sample its trace", async () => {
    const tracing = await start();
    await post(SEARCH, { traceparent: `00-${TRACE}-${CALLER}-00` });
    await tracing.close();
    expect(receiver.spans.filter(({ traceId }) => traceId === TRACE)).toEqual([]);
  });

  it("do not keep a program from ending when the collector is away", async () => {
    const tracing = await start();
    await receiver.close();
    await post(SEARCH);
    await expect(tracing.close()).resolves.toBeUndefined();
    receiver = await startOtlpReceiver();
  });
});

describe("traces of a plugin", () => {
  it("go to the tracer provider of the host, into the trace that is open there", async () => {
    const exporter = new InMemorySpanExporter();
    const host = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    host.register();
    await host.getTracer("host").startActiveSpan("host", async (span) => {
      await test.run(SEARCH);
      span.end();
    });
    const spans = exporter.getFinishedSpans();
    const own = spans.find(({ name }) => name === "search")!;
    expect(own.instrumentationScope.name).toBe("earshot");
    expect(own.parentSpanContext?.spanId).toBe(spans.find(({ name }) => name === "host")!.spanContext().spanId);
    await host.shutdown();
  });

  it("go on from a request to the evaluation that it asked for", async () => {
    const exporter = new InMemorySpanExporter();
    const host = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    host.register();
    const evaluating = await openEvaluating();
    try {
      await writeSoundDataset(evaluating.root, SOUND_CLIPS);
      await host.getTracer("host").startActiveSpan("host", async (span) => {
        await evaluating.evaluate({ dataset: "CUSTOM", source: { media: evaluating.root } });
        span.end();
      });
      await evaluating.earshot.evaluation.stop();
      const spans = exporter.getFinishedSpans();
      const above = spans.find(({ name }) => name === "host")!.spanContext();
      expect(spans.find(({ name }) => name === "evaluation")?.parentSpanContext).toMatchObject({
        traceId: above.traceId,
        spanId: above.spanId,
      });
    } finally {
      await evaluating.end();
      await host.shutdown();
    }
  });

  it("are none where there is no provider, nor is one registered", async () => {
    expect(await startTracing({ serviceName: "earshot", sampleRatio: 1 }, logger)).toBeUndefined();
    await test.run(SEARCH);
    expect(trace.getTracer("any").startSpan("any").isRecording()).toBe(false);
    await writeWav(path.join(test.media, "alarm.wav"), tone(2000, SAMPLE_RATE));
    const job = await test.earshot.ingest.submit({ source: { path: "alarm.wav" } }, DEFAULT_TENANT);
    expect(job.order).not.toHaveProperty("traceparent");
  });
});
