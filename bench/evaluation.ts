/**
 * How long an evaluation takes once its clips and captions are encoded, and how much memory: scores of every caption with
 * every clip, ranks, metrics with intervals and top hits of both directions, for a split as large as the largest of the
 * paper's (ActivityNet Captions). Efficiency = the matrix products alone / all of it.
 */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { json, text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { BenchContext, Benchmark } from "./benchmark.js";
import { secondsOf } from "./clock.js";
import { openMatrixProduct, processEnvironment, resolveOptions } from "./product.js";
import { RandomNumbers } from "./random-numbers.js";
import { median, rounded } from "./statistics.js";

const reporter = fileURLToPath(new URL("report-peak-memory.mjs", import.meta.url));
const scorer = fileURLToPath(new URL("score-once.mjs", import.meta.url));

const DIMENSION = 1536;
/** Share of a clip's vector in that of its caption: the right clip is first for about every second caption. */
const LIKENESS = 0.1;
/** Captions and clips of one product, as in the product. */
const SHAPE = { captions: 1024, clips: 512 };

/** What one round measured. */
interface Round {
  seconds: number;
  productSeconds: number;
  /** Bytes. */
  peak: number;
}

export const evaluation: Benchmark = {
  name: "evaluation",
  async run(context) {
    const count = context.quick ? 300 : 4917;
    const rounds = context.quick ? 1 : 3;
    const { threads } = resolveOptions({}, processEnvironment()).inference;
    const files = await writeVectors(context, count);
    const measured: Round[] = [];
    for (let number = 1; number <= rounds; number++) {
      const round = { productSeconds: await productsAlone(count, threads), ...(await score(files, count, threads)) };
      context.progress(`round ${number} of ${rounds}: ${JSON.stringify(round)}`);
      measured.push(round);
    }
    const value = (name: string, unit: string, of: (round: Round) => number, aim?: string) => {
      const runs = measured.map((round) => rounded(of(round)));
      const found = { name: `${count} x ${count}/${name}`, unit, value: rounded(median(runs)), runs };
      return aim === undefined ? found : { ...found, aim };
    };
    return {
      values: [
        value("scores, ranks and metrics", "s", ({ seconds }) => seconds, "< 5 on two cores"),
        value("matrix products alone", "s", ({ productSeconds }) => productSeconds),
        value("efficiency", "share", ({ seconds, productSeconds }) => productSeconds / seconds),
        value("peak", "MB", ({ peak }) => peak / 1e6, "< 1000"),
      ],
      settings: { dimension: DIMENSION, threads, rounds },
    };
  },
};

/** Writes unit vectors of clips, and of captions that are a little like theirs. */
async function writeVectors({ folder }: BenchContext, count: number): Promise<[clips: string, captions: string]> {
  const random = new RandomNumbers(1);
  const centre = new Float32Array(DIMENSION).fill(1 / Math.sqrt(DIMENSION));
  const clips = new Float32Array(count * DIMENSION);
  const captions = new Float32Array(count * DIMENSION);
  for (let place = 0; place < count; place++) {
    const clip = random.near(centre, 0);
    clips.set(clip, place * DIMENSION);
    captions.set(random.near(clip, LIKENESS), place * DIMENSION);
  }
  const files: [string, string] = [path.join(folder, "clips"), path.join(folder, "captions")];
  await writeFile(files[0], clips);
  await writeFile(files[1], captions);
  return files;
}

/** The products that the scoring makes, from memory. */
async function productsAlone(count: number, threads: number): Promise<number> {
  const product = await openMatrixProduct(threads);
  const captions = new Float32Array(SHAPE.captions * DIMENSION).fill(0.5);
  const clips = new Float32Array(SHAPE.clips * DIMENSION).fill(0.5);
  const found = new Float32Array(SHAPE.captions * SHAPE.clips);
  const products = Math.ceil(count / SHAPE.captions) * Math.ceil(count / SHAPE.clips);
  return secondsOf(async () => {
    for (let number = 0; number < products; number++) await product(captions, clips, DIMENSION, found);
  });
}

/** Scores in a process of its own. */
async function score(files: readonly string[], count: number, threads: number): Promise<Omit<Round, "productSeconds">> {
  const args = ["--import", reporter, scorer, ...files, `${count}`, `${DIMENSION}`, `${threads}`];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  const [found, peak] = await Promise.all([json(child.stdio[1]!), text(child.stdio[3] as Readable)]);
  const code = await ended;
  if (code !== 0) throw new Error(`the scoring ended with exit code ${code}`);
  return { seconds: (found as { seconds: number }).seconds, peak: Number(peak) };
}
