/**
 * `npm run test:qdrant -- --url http://127.0.0.1:6333`: holds a Qdrant server to the contract of vector engines, then writes and
 * asks at scale, and prints a report. It needs nothing but the server; its collections have a prefix of their own and are removed.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { percentile } from "../bench/statistics.js";
import { openCatalog } from "../src/catalog/index.js";
import { createLogger, processEnvironment, resolveOptions, type QdrantOptions } from "../src/config/index.js";
import { createQdrantVectorIndex } from "../src/vectors/qdrant/index.js";
import { FakeQdrant } from "../test/fixtures/qdrant/server.js";
import { runLoad, type LoadFigures, type LoadSize } from "../test/load/qdrant-load.js";

interface Flags extends LoadSize {
  url?: string;
  testServer?: boolean;
  contract: boolean;
  datatype: "float32" | "float16";
  quantization: "none" | "scalar";
}

const INDEX = "load@1";

/** Longest time that a server may take to build its graphs, in milliseconds. */
const LONGEST_SETTLING = 600_000;

const whole = (text: string) => {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError("must be a whole number from 1 on");
  return number;
};

const environment = processEnvironment();
const program = new Command("npm run test:qdrant --")
  .description("Runs contract and load tests against a Qdrant server and prints a report.")
  .option(
    "--url <address>",
    "the server (also QDRANT_URL; its key: QDRANT_API_KEY)",
    environment["QDRANT_URL"] ?? environment["EARSHOT_QDRANT_URL"],
  )
  .option("--test-server", "use the server of the test suite instead: proves that these tests work, nothing else")
  .option("--no-contract", "leave the contract out")
  .option("--segments <n>", "segments to write", whole, 20_000)
  .option("--segments-per-video <n>", "segments of each video", whole, 50)
  .option("--dimension <n>", "width of the vectors", whole, 512)
  .option("--queries <n>", "questions of each kind", whole, 200)
  .option("--concurrency <n>", "videos and questions at the same time", whole, 4)
  .addOption(new Option("--datatype <type>").choices(["float32", "float16"]).default("float32"))
  .addOption(new Option("--quantization <kind>").choices(["none", "scalar"]).default("none"))
  .parse();
process.exitCode = await main(program.opts<Flags>()).catch((error: unknown) => {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  return 1;
});

async function main(flags: Flags): Promise<number> {
  if (flags.testServer !== true && flags.url === undefined)
    program.error("error: name a server with --url or QDRANT_URL");
  const server = flags.testServer === true ? await FakeQdrant.start() : undefined;
  const url = server?.url ?? flags.url!;
  try {
    const prefix = `earshot-test-${Date.now().toString(36)}`;
    const { datatype, quantization } = flags;
    const given = { url, collectionPrefix: prefix, datatype, quantization, writeTimeoutSeconds: 120 };
    const { vectors } = resolveOptions({ vectors: { engine: "qdrant", qdrant: given } }, environment);
    const who = await describeServer(vectors.qdrant);
    console.log(
      `Server      ${who}${server === undefined ? "" : " (the test suite's own: no figure below is one of Qdrant's)"}`,
    );
    console.log(`Client      Node ${process.versions.node}, ${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}`);
    const kept = !flags.contract || (await runContract(vectors.qdrant));
    if (flags.contract) console.log(`Contract    ${kept ? "kept" : "BROKEN: see above"}`);
    printReport(flags, await load(vectors.qdrant, flags));
    return kept ? 0 : 1;
  } finally {
    await server?.stop();
  }
}

/** The contract's tests are run by the test runner, in a process of its own. */
function runContract({ url, apiKey }: QdrantOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const vitest = path.join(import.meta.dirname, "..", "node_modules", "vitest", "vitest.mjs");
    const args = [vitest, "run", "--project", "sqlite", "test/unit/vectors/qdrant.test.ts"];
    const key = apiKey === undefined ? {} : { QDRANT_API_KEY: apiKey };
    const env = { ...process.env, QDRANT_URL: url, ...key };
    const child = spawn(process.execPath, args, { stdio: "inherit", env });
    child.on("close", (status) => resolve(status === 0));
  });
}

async function load(options: QdrantOptions, flags: Flags): Promise<LoadFigures> {
  const folder = await mkdtemp(path.join(tmpdir(), "earshot-qdrant-"));
  const logger = createLogger("warn");
  const catalog = await openCatalog({ databaseUrl: `file:${path.join(folder, "load.db")}` }, logger);
  const index = await createQdrantVectorIndex(catalog, options, logger);
  try {
    await index.create({ id: INDEX, dimension: flags.dimension });
    return await runLoad(catalog, index, INDEX, flags, () => settled(options));
  } finally {
    await index.drop(INDEX).catch((error: unknown) => console.error(`not removed: ${String(error)}`));
    await index.close();
    await catalog.close();
    await rm(folder, { recursive: true });
  }
}

/** Waits until the server has nothing left to optimise: figures of a half-built graph are figures of nothing. */
async function settled(options: QdrantOptions): Promise<void> {
  const begun = performance.now();
  for (;;) {
    const { result } = (await ask(options, `collections/${options.collectionPrefix}_load_1`)) as {
      result: { status: string };
    };
    if (result.status === "green") break;
    if (performance.now() - begun > LONGEST_SETTLING) throw new Error(`the collection stays ${result.status}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  console.log(`Optimising  ${((performance.now() - begun) / 1000).toFixed(1)} s after the last write`);
}

async function describeServer(options: QdrantOptions): Promise<string> {
  const { title, version } = (await ask(options, "")) as { title?: string; version?: string };
  // A server tells its version to everyone: this is where a wrong key shows.
  await ask(options, "collections");
  return `${title ?? "unknown"} ${version ?? ""}, ${options.url}`;
}

async function ask({ url, apiKey }: QdrantOptions, place: string): Promise<unknown> {
  const headers: Record<string, string> = apiKey === undefined ? {} : { "api-key": apiKey };
  const response = await fetch(`${url.replace(/\/$/, "")}/${place}`, { headers }).catch((error: unknown) => {
    throw new Error(`${url} cannot be reached`, { cause: error });
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

function printReport(flags: Flags, figures: LoadFigures): void {
  const { segments, videos, writeSeconds, segmentQueries, videoQueries, deleteSeconds } = figures;
  const share = (value: number) => value.toFixed(4);
  const times = (values: readonly number[]) => {
    const at = (place: number) => `${percentile(values, place).toFixed(1)} ms`;
    return `p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, slowest ${at(1)}`;
  };
  const { dimension, datatype, quantization, concurrency, queries } = flags;
  const lines = [
    `Library     ${segments} segments in ${videos} videos, ${dimension} x ${datatype}, quantisation ${quantization}, clustered`,
    `Writing     ${(segments / writeSeconds).toFixed(0)} segments/s with ${concurrency} videos at once, waited for and committed`,
    `Segments    best 100, ${queries} queries, ${concurrency} at once: ${times(segmentQueries.times)}`,
    `            recall against exact search: ${share(segmentQueries.recallAt10)} of 10, ${share(segmentQueries.recallAt100)} of 100`,
    `Videos      best 20 with all their segments, ${queries} queries, ${concurrency} at once: ${times(videoQueries.times)}`,
    `            recall against exact search: ${share(videoQueries.recallAt20)} of 20`,
    `Deleting    ${(videos / deleteSeconds).toFixed(0)} videos/s; none was left`,
  ];
  for (const line of lines) console.log(line);
}
