import { readFile, rename } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { startServer, type RunningServer } from "../../../src/server/index.js";
import { openTestEarshot, TEST_PACK_WORD, type TestEarshot } from "../../fixtures/earshot.js";
import { writeWav } from "../../fixtures/media-files.js";
import { SAMPLE_RATE, tone } from "../../fixtures/sounds.js";

/** A metric as it was scraped. */
interface Metric {
  help: string;
  type: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

/** Reads the Prometheus text format. */
function parseMetrics(text: string): Map<string, Metric> {
  const metrics = new Map<string, Metric>();
  const of = (name: string): Metric => {
    const metric = metrics.get(name) ?? { help: "", type: "", samples: [] };
    metrics.set(name, metric);
    return metric;
  };
  for (const line of text.split("\n")) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment !== null) {
      const [, kind, name, rest] = comment;
      of(name!)[kind === "HELP" ? "help" : "type"] = rest!;
      continue;
    }
    const sample = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (sample === null) continue;
    const [, name, labels = "", value] = sample;
    const base = name!.replace(/_(bucket|sum|count)$/, "");
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text] as const);
    of(metrics.has(name!) ? name! : base).samples.push({
      name: name!,
      labels: Object.fromEntries(pairs),
      value: Number(value),
    });
  }
  return metrics;
}

describe("the metrics", () => {
  const SECONDS = 6;
  let test: TestEarshot;
  let server: RunningServer;
  let metrics: Map<string, Metric>;
  const scrape = async () => parseMetrics(await (await fetch(`${server.url}/metrics`)).text());
  const search = (query: string) =>
    fetch(`${server.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        query: `query ($q: String!) { searchVideosByAudio(query: $q) { nodes { id } } }`,
        variables: { q: query },
      }),
    });
  /** Value of a sample; undefined when there is none. */
  const value = (name: string, labels: Record<string, string> = {}, from = metrics): number | undefined => {
    const base = name.replace(/_(sum|count)$/, "");
    const { samples } = from.get(name) ?? from.get(base) ?? { samples: [] };
    return samples.find(
      (sample) => sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
    )?.value;
  };

  beforeAll(async () => {
    test = await openTestEarshot();
    server = await startServer(test.earshot, { port: 0 });
    await test.earshot.start();
    await writeWav(path.join(test.media, "alarm.wav"), tone(2000, SECONDS * SAMPLE_RATE));
    await writeWav(path.join(test.media, "silence.wav"), new Float32Array(SAMPLE_RATE));
    for (const file of ["alarm.wav", "silence.wav"]) {
      const { id } = await test.earshot.ingest.submit({ source: { path: file } }, DEFAULT_TENANT);
      await test.earshot.ingest.waitFor(DEFAULT_TENANT, id);
    }
    for (const query of [TEST_PACK_WORD, TEST_PACK_WORD, "xyzzy", ""]) await search(query);
    metrics = await scrape();
  });
  afterAll(async () => {
    await server.close();
    await test.end();
  });

  it("count searches by how they ended", () => {
    expect(value("earshot_search_duration_seconds_count", { outcome: "found" })).toBe(2);
    expect(value("earshot_search_duration_seconds_count", { outcome: "nothing" })).toBe(1);
    expect(value("earshot_search_duration_seconds_count", { outcome: "refused" })).toBe(1);
    expect(value("earshot_search_duration_seconds_sum", { outcome: "found" })).toBeGreaterThan(0);
    expect(value("earshot_cache_requests_total", { cache: "queries", result: "hit" })).toBe(1);
    expect(value("earshot_cache_requests_total", { cache: "queries", result: "miss" })).toBe(2);
  });

  it("count jobs, and tell how long their stages took and how fast that was", () => {
    expect(value("earshot_ingest_jobs", { state: "COMPLETED" })).toBe(1);
    expect(value("earshot_ingest_jobs", { state: "FAILED" })).toBe(1);
    expect(value("earshot_ingest_attempts_total", { outcome: "completed" })).toBe(1);
    expect(value("earshot_ingest_attempts_total", { outcome: "failed" })).toBe(1);
    expect(value("earshot_ingest_attempts_total", { outcome: "interrupted" })).toBe(0);
    // The silent file was probed, too, and its encoding came to nothing.
    expect(value("earshot_ingest_stage_duration_seconds_count", { stage: "PROBING" })).toBe(2);
    expect(value("earshot_ingest_stage_duration_seconds_count", { stage: "ENCODING" })).toBe(1);
    expect(value("earshot_ingest_stage_duration_seconds_count", { stage: "COMMITTING" })).toBe(1);
    expect(value("earshot_ingest_media_seconds_total")).toBeCloseTo(SECONDS, 1);
    const busy = value("earshot_ingest_busy_seconds_total")!;
    expect(value("earshot_ingest_speed_ratio_sum")).toBeCloseTo(value("earshot_ingest_media_seconds_total")! / busy, 3);
    expect(value("earshot_ingest_queue_oldest_seconds")).toBe(0);
  });

  it("tell what the models and the vector engine do", () => {
    expect(value("earshot_model_load_duration_seconds_count", { device: "cpu" })).toBeGreaterThanOrEqual(2);
    expect(
      value("earshot_inference_duration_seconds_count", { model: "vggish", device: "cpu" }),
    ).toBeGreaterThanOrEqual(1);
    expect(value("earshot_inference_batch_windows_sum", { model: "vggish" })).toBeGreaterThanOrEqual(SECONDS);
    expect(value("earshot_inference_batch_windows_sum", { model: "text-encoder" })).toBe(1);
    expect(value("earshot_inference_devices", { device: "cpu" })).toBe(1);
    expect(value("earshot_inference_shortfall")).toBe(0);
    const local = (operation: string) => ({ engine: "local", operation });
    expect(value("earshot_vector_engine_duration_seconds_count", local("stageVideo"))).toBe(1);
    expect(value("earshot_vector_engine_duration_seconds_count", local("publish"))).toBe(1);
    expect(value("earshot_vector_engine_duration_seconds_count", local("queryVideos"))).toBe(2);
    expect(value("earshot_vector_engine_errors_total", local("queryVideos"))).toBe(0);
    expect(value("earshot_vector_writes", { state: "STAGED" })).toBe(0);
    expect(value("earshot_index_segments", { index: "tiny@1.0.0" })).toBeGreaterThan(0);
  });

  it("tell how the process does", () => {
    expect(metrics.has("nodejs_eventloop_lag_seconds")).toBe(true);
    expect(value("process_resident_memory_bytes")).toBeGreaterThan(0);
    expect(value("earshot_data_directory_free_bytes")).toBeGreaterThan(0);
  });

  it("show a queue that does not move", async () => {
    const waiting = await openTestEarshot();
    const other = await startServer(waiting.earshot, { port: 0 });
    try {
      // It was not started, so nobody takes the job.
      await writeWav(path.join(waiting.media, "alarm.wav"), tone(2000, SAMPLE_RATE));
      await waiting.earshot.ingest.submit({ source: { path: "alarm.wav" } }, DEFAULT_TENANT);
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 90_000 });
      const found = parseMetrics(await (await fetch(`${other.url}/metrics`)).text());
      const age = value("earshot_ingest_queue_oldest_seconds", {}, found)!;
      expect(age).toBeGreaterThanOrEqual(90);
      expect(value("earshot_ingest_jobs", { state: "PENDING" }, found)).toBe(1);
    } finally {
      vi.useRealTimers();
      await other.close();
      await waiting.end();
    }
  });

  it("show the rest when a part cannot be read, and say which", async () => {
    const data = test.earshot.options.dataDirectory;
    await rename(data, `${data}.away`);
    try {
      const found = await scrape();
      expect(value("earshot_data_directory_free_bytes", {}, found)).toBeNaN();
      expect(value("earshot_search_duration_seconds_count", { outcome: "found" }, found)).toBe(2);
    } finally {
      await rename(`${data}.away`, data);
    }
    const after = await scrape();
    expect(value("earshot_scrape_failures_total", { part: "data_directory_free_bytes" }, after)).toBe(1);
    expect(value("earshot_scrape_failures_total", { part: "inference_devices" }, after)).toBe(0);
    expect(value("earshot_data_directory_free_bytes", {}, after)).toBeGreaterThan(0);
  });

  it("are those that the alert rules and the documentation name", async () => {
    const folder = fileURLToPath(new URL("../../../docs/", import.meta.url));
    const rules = parse(await readFile(path.join(folder, "prometheus-alerts.yaml"), "utf8")) as {
      groups: { rules: { alert: string; expr: string; annotations: { summary: string } }[] }[];
    };
    const documented = await readFile(path.join(folder, "observability.md"), "utf8");
    const own = [...metrics.keys()].filter((name) => name.startsWith("earshot_"));
    for (const name of own) expect(documented, name).toContain(`\`${name}\``);
    const named = (text: string) =>
      [...text.matchAll(/earshot_[a-z_]+/g)].map(([name]) => name.replace(/_bucket$/, ""));
    expect(rules.groups[0]!.rules.length).toBeGreaterThan(4);
    for (const { alert, expr, annotations } of rules.groups[0]!.rules) {
      expect(annotations.summary, alert).not.toBe("");
      expect(named(expr).length, alert).toBeGreaterThan(0);
      for (const name of named(expr)) expect(own, alert).toContain(name);
    }
    for (const name of named(documented)) expect(own, "docs/observability.md").toContain(name);
  });

  it("are named as Prometheus asks for: a prefix, base units, help, and no label with a value for each tenant or video", () => {
    const own = [...metrics].filter(([name]) => !/^(nodejs|process)_/.test(name));
    expect(own.length).toBeGreaterThan(20);
    const labels = [
      "outcome",
      "cache",
      "result",
      "engine",
      "operation",
      "stage",
      "state",
      "model",
      "device",
      "index",
      "part",
    ];
    for (const [name, { help, type, samples }] of own) {
      expect(name).toMatch(/^earshot_[a-z][a-z0-9_]*$/);
      expect(name, "base units").not.toMatch(/_(ms|milliseconds|minutes|hours|kb|mb|megabytes|percent)(_|$)/);
      expect(help, name).toMatch(/^[A-Z].*\.$/);
      expect(name.endsWith("_total"), name).toBe(type === "counter");
      if (/duration|age|busy/.test(name)) expect(name).toMatch(/_seconds(_total)?$/);
      const found = new Set(samples.flatMap((sample) => Object.keys(sample.labels)).filter((label) => label !== "le"));
      for (const label of found) expect(labels, name).toContain(label);
      expect(samples.length, name).toBeLessThan(500);
    }
  });
});
