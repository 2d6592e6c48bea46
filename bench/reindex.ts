/**
 * What the cache of features spares a re-index to a pack with the same experts: the same library re-indexed with and without
 * it. Decoding, the clip encoder and the writing remain; how much that is depends on the experts.
 */
import { copyFile, cp, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Earshot } from "../src/earshot.js";
import type { BenchContext, Benchmark, Value } from "./benchmark.js";
import { secondsOf } from "./clock.js";
import { BenchMedia, configuredFfmpeg } from "./media.js";
import { createEarshot, processEnvironment, TENANT } from "./product.js";
import { median, rounded } from "./statistics.js";

/** More than any library of this benchmark takes. */
const CACHE_BYTES = 2e9;

export const reindex: Benchmark = {
  name: "reindex",
  async run(context) {
    const rounds = context.quick ? 1 : 3;
    const { videos, seconds } = context.quick ? { videos: 2, seconds: 15 } : { videos: 6, seconds: 120 };
    const { ffmpeg, origin, version } = await configuredFfmpeg();
    const files = await library(context, await new BenchMedia(context, ffmpeg).mp4(seconds), videos);
    const [without, cached] = [await open(context, false), await open(context, true)];
    const { id: pack } = without.pack;
    try {
      const ingests = {
        without: await secondsOf(() => ingest(without, files)),
        with: await secondsOf(() => ingest(cached, files)),
      };
      const found = { without: [] as number[], with: [] as number[] };
      for (let round = 1; round <= rounds; round++) {
        const id = await addVersion(context, without.pack.directory, `${9000 + round}.0.0`);
        found.without.push(await reindexSeconds(without, id));
        found.with.push(await reindexSeconds(cached, id));
        const ratio = rounded(found.without.at(-1)! / found.with.at(-1)!);
        context.progress(`round ${round} of ${rounds}: ${ratio} times as fast with the cache`);
      }
      const hours = (videos * seconds) / 3600;
      const value = (name: string, unit: string, runs: readonly number[]): Value => {
        return { name, unit, value: rounded(median(runs)), runs: runs.map((run) => rounded(run)) };
      };
      const ratios = found.without.map((time, i) => time / found.with[i]!);
      return {
        values: [
          value("re-index without the cache", "s", found.without),
          value("re-index with the cache", "s", found.with),
          value("gain", "times as fast", ratios),
          { name: "ingest without the cache", unit: "s", value: rounded(ingests.without) },
          { name: "ingest with the cache", unit: "s", value: rounded(ingests.with) },
          { name: "cache", unit: "MB per hour of sound", value: rounded((await cacheBytes(cached)) / 1e6 / hours) },
        ],
        settings: { pack, videos, seconds, rounds, ffmpeg: `${origin} ${version}` },
      };
    } finally {
      await without.close();
      await cached.close();
    }
  },
};

/** Equal videos in files of their own: the cache knows a file by its path. */
async function library({ folder }: BenchContext, file: string, count: number): Promise<string[]> {
  const files = Array.from({ length: count }, (_, i) => path.join(folder, `reindex-${i}.mp4`));
  for (const copy of files) await copyFile(file, copy);
  return files;
}

const packs = ({ folder }: BenchContext) => path.join(folder, "packs");

async function open(context: BenchContext, isCached: boolean): Promise<Earshot> {
  await mkdir(packs(context), { recursive: true });
  const earshot = await createEarshot({
    env: processEnvironment(),
    dataDirectory: path.join(context.folder, `reindex-${isCached ? "with" : "without"}`),
    mediaRoots: [context.folder],
    modelPackRoots: [packs(context)],
    logLevel: "error",
    ...(isCached ? { featureCache: { maxBytes: CACHE_BYTES } } : {}),
  });
  await earshot.start();
  return earshot;
}

/** The pack as another version of itself, whose index is another one. */
async function addVersion(context: BenchContext, pack: string, version: string): Promise<string> {
  const folder = path.join(packs(context), version);
  await cp(pack, folder, { recursive: true });
  const file = path.join(folder, "manifest.json");
  const manifest = JSON.parse(await readFile(file, "utf8")) as { name: string };
  await writeFile(file, JSON.stringify({ ...manifest, version }));
  return `${manifest.name}@${version}`;
}

async function ingest({ ingest }: Earshot, files: readonly string[]): Promise<void> {
  const jobs = await Promise.all(files.map((file) => ingest.submit({ source: { path: file } }, TENANT)));
  for (const { id } of jobs) {
    const { state, errorMessage } = await ingest.waitFor(TENANT, id);
    if (state !== "COMPLETED") throw new Error(`the ingest ended as ${state}: ${errorMessage}`);
  }
}

/** From the first job to the end of the last one: the pack has been opened before. */
async function reindexSeconds({ ingest, reindex }: Earshot, modelPack: string): Promise<number> {
  const times: number[] = [];
  const note = () => times.push(performance.now());
  ingest.events.on("job", note);
  try {
    const { id } = await reindex.begin({ modelPack });
    for (;;) {
      const { state } = await reindex.find(id);
      if (state === "COMPLETED") break;
      if (state !== "RUNNING" && state !== "READY") throw new Error(`the re-index ended as ${state}`);
      await delay(50);
    }
  } finally {
    ingest.events.off("job", note);
  }
  return (times.at(-1)! - times[0]!) / 1000;
}

async function cacheBytes({ options }: Earshot): Promise<number> {
  const folder = path.join(options.dataDirectory, "features");
  const sizes = await Promise.all(
    (await readdir(folder)).map(async (name) => (await stat(path.join(folder, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
