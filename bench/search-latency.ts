/**
 * How long a search takes: the whole path of SearchService.search (text encoder, index, grouping, moments, catalog) and
 * the vector query alone, one after the other; and what it takes to read the index into memory.
 */
import type { Earshot } from "../src/earshot.js";
import type { BenchContext, Benchmark, Value } from "./benchmark.js";
import { secondsOf } from "./clock.js";
import { libraryOf } from "./library.js";
import { createEarshot, flatDimension, processEnvironment, queryVector, TENANT } from "./product.js";
import { SOUNDS, sentences } from "./queries.js";
import { percentile, rounded } from "./statistics.js";

const FIRST = 10;
const MOMENTS_PER_VIDEO = 3;
export const searchLatency: Benchmark = {
  name: "search-latency",
  async run(context) {
    const sizes = context.quick ? [100, 1000] : [1000, 100_000];
    const queries = sentences(context.quick ? 20 : 200);
    const values: Value[] = [];
    let settings = {};
    for (const segments of sizes) {
      const found = await measure(context, segments, queries);
      values.push(...found.values);
      settings = found.settings;
    }
    return { values, settings: { ...settings, queries: queries.length, first: FIRST, moments: MOMENTS_PER_VIDEO } };
  },
};

async function measure(context: BenchContext, segments: number, queries: readonly string[]) {
  const dataDirectory = await libraryOf(context, segments);
  const earshot = await createEarshot({ env: processEnvironment(), dataDirectory, logLevel: "error" });
  try {
    const { vectors, pack, options } = earshot;
    const before = process.memoryUsage.rss();
    const loadSeconds = await secondsOf(async () => {
      // The first question about an index reads it.
      const count = await vectors.count(pack.id);
      if (count !== segments) throw new Error(`the index has ${count} segments instead of ${segments}`);
    });
    const grown = process.memoryUsage.rss() - before;
    const dimension = flatDimension(pack.manifest);
    // The single sounds are no queries of the measurement: those are new to the text encoder.
    for (const sound of SOUNDS) await search(earshot, sound);

    const measured = {
      "new query": await milliseconds(queries, (query) => search(earshot, query)),
      "query seen before": await milliseconds(queries, (query) => search(earshot, query)),
      "vector query alone": await vectorQueries(earshot, queries),
    };
    context.progress(`${segments} segments done`);
    const name = (what: string) => `${segments} segments/${what}`;
    const large = segments >= 100_000;
    const values: Value[] = [
      ...Object.entries(measured).flatMap(([what, times]) => [
        value(name(`${what}/p50`), "ms", percentile(times, 0.5), large && what === "new query" ? "< 60" : undefined),
        value(name(`${what}/p95`), "ms", percentile(times, 0.95)),
        value(name(`${what}/max`), "ms", Math.max(...times)),
      ]),
      value(name("load"), "s", loadSeconds),
      value(name("memory of the process after loading, growth"), "MB", grown / 1e6),
      value(name("vectors"), "MB", (segments * dimension * Float32Array.BYTES_PER_ELEMENT) / 1e6),
    ];
    return { values, settings: { pack: pack.id, dimension, threads: options.inference.threads } };
  } finally {
    await earshot.close();
  }
}

function value(name: string, unit: string, found: number, aim?: string): Value {
  return { name, unit, value: rounded(found), ...(aim === undefined ? {} : { aim }) };
}

async function search(earshot: Earshot, query: string): Promise<void> {
  const page = await earshot.search.search({
    tenant: TENANT,
    query,
    first: FIRST,
    momentsPerVideo: MOMENTS_PER_VIDEO,
  });
  if (page.hits.length === 0) throw new Error(`"${query}" found nothing`);
}

/** The query to the index of each search, without anything around it. */
async function vectorQueries({ encoder, vectors, pack }: Earshot, queries: readonly string[]): Promise<number[]> {
  const filter = { tenant: TENANT };
  const patterns = await vectors.patterns(pack.id, filter);
  const encoded = await Promise.all(queries.map((query) => encoder.encodeText(query)));
  const planned = encoded.map((query) => patterns.map((pattern) => ({ pattern, vector: queryVector(query, pattern) })));
  return milliseconds(planned, (ofPatterns) => vectors.queryVideos(pack.id, ofPatterns, filter, { limit: FIRST + 1 }));
}

async function milliseconds<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (const item of items) times.push(1000 * (await secondsOf(() => work(item))));
  return times;
}
