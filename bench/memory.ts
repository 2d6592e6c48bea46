/**
 * The most memory that `earshot ingest` holds for a short and for a long file. It may not grow with the length of the
 * file, apart from the vectors, which are kept until they are committed together.
 */
import { spawn } from "node:child_process";
import path from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { BenchContext, Benchmark } from "./benchmark.js";
import { BenchMedia, configuredFfmpeg } from "./media.js";
import { CLI, flatDimension, loadModelPack, processEnvironment, resolveOptions } from "./product.js";
import { median, rounded } from "./statistics.js";

const reporter = fileURLToPath(new URL("report-peak-memory.mjs", import.meta.url));

export const memory: Benchmark = {
  name: "memory",
  async run(context) {
    const rounds = context.quick ? 1 : 3;
    const [shortSeconds, longSeconds] = context.quick ? [20, 60] : [10 * 60, 2 * 60 * 60];
    const { ffmpeg, origin, version } = await configuredFfmpeg();
    const media = new BenchMedia(context, ffmpeg);
    const short = await media.longMp4(shortSeconds, shortSeconds);
    const long = await media.longMp4(longSeconds, shortSeconds);

    const ofShort: number[] = [];
    const ofLong: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      ofShort.push(await peakMegabytes(context, short, `memory-short-${round}`));
      ofLong.push(await peakMegabytes(context, long, `memory-long-${round}`));
      context.progress(`round ${round} of ${rounds}: ${ofShort.at(-1)} MB and ${ofLong.at(-1)} MB`);
    }

    const pack = await loadModelPack(resolveOptions({}, processEnvironment()).modelPack);
    const { segment, sampleRate } = pack.manifest;
    const more = ((longSeconds - shortSeconds) * sampleRate) / segment.hopSamples;
    const vectors = (more * flatDimension(pack.manifest) * Float32Array.BYTES_PER_ELEMENT) / 1e6;
    const growth = median(ofLong) - median(ofShort);
    const peak = (seconds: number, runs: number[]) => {
      return { name: `${rounded(seconds / 60)} minutes/peak`, unit: "MB", value: rounded(median(runs)), runs };
    };
    return {
      values: [
        peak(shortSeconds, ofShort),
        peak(longSeconds, ofLong),
        { name: "ratio", unit: "long / short", value: rounded(median(ofLong) / median(ofShort)) },
        { name: "growth", unit: "MB", value: rounded(growth) },
        { name: "growth that the vectors account for", unit: "MB", value: rounded(vectors) },
      ],
      settings: { pack: pack.id, rounds, ffmpeg: `${origin} ${version}` },
    };
  },
};

/** Ingests a file with the command line in a process of its own; what ffmpeg needs is not in the figure. */
async function peakMegabytes(context: BenchContext, file: string, folder: string): Promise<number> {
  const args = ["--import", reporter, CLI, "ingest", file, "--data-dir", path.join(context.folder, folder)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  const bytes = Number(await text(child.stdio[3] as Readable));
  const code = await ended;
  if (code !== 0) throw new Error(`the ingest of ${file} ended with exit code ${code}`);
  return rounded(bytes / 1e6);
}
