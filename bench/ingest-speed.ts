/**
 * How fast videos become searchable, and which part of that time the models alone would need.
 *
 * Each round measures, one after the other: decoding alone; the models alone, that is every run of an expert or the
 * clip encoder which the ingest of this file makes, with the same batches, on an equal pool, from memory; encoding from
 * samples in memory; and the whole ingest, from `submit` to COMPLETED. Efficiency = models alone / whole ingest.
 */
import path from "node:path";
import type { Earshot } from "../src/earshot.js";
import type { FfmpegTools } from "../src/media/index.js";
import type { BenchContext, Benchmark, Report, Value } from "./benchmark.js";
import { secondsOf } from "./clock.js";
import { BenchMedia, configuredFfmpeg } from "./media.js";
import {
  chooseAudioStream,
  createEarshot,
  createEncoder,
  createInferencePool,
  decodePcm,
  probe,
  processEnvironment,
  TENANT,
} from "./product.js";
import { RecordingPool, replaySeconds } from "./recorded-runs.js";
import { median, rounded } from "./statistics.js";

/** Seconds which the parts of one round took. */
interface Round {
  decode: number;
  models: number;
  encode: number;
  ingest: number;
}

export const ingestSpeed: Benchmark = {
  name: "ingest-speed",
  async run(context) {
    const seconds = context.quick ? 30 : 20 * 60;
    const rounds = context.quick ? 1 : 3;
    const tools = await configuredFfmpeg();
    const media = new BenchMedia(context, tools.ffmpeg);
    const sources = { mp4: await media.mp4(seconds), wav: await media.wav(seconds) };
    const earshot = await createEarshot({
      env: processEnvironment(),
      dataDirectory: path.join(context.folder, "ingest-speed"),
      mediaRoots: [context.folder],
      logLevel: "error",
    });
    try {
      await earshot.start();
      await ingest(earshot, await media.wav(20));
      const values: Value[] = [];
      let runs = 0;
      for (const [kind, file] of Object.entries(sources)) {
        const measured = await measure(context, earshot, tools, file, rounds);
        runs = measured.runs;
        values.push(...summarise(kind, seconds, measured.rounds));
      }
      return { values, settings: settingsOf(earshot, tools, { audioSeconds: seconds, rounds, modelRuns: runs }) };
    } finally {
      await earshot.close();
    }
  },
};

async function measure(
  { progress }: BenchContext,
  earshot: Earshot,
  tools: FfmpegTools,
  file: string,
  rounds: number,
): Promise<{ rounds: Round[]; runs: number }> {
  const { options, pack, logger } = earshot;
  const pool = await createInferencePool(pack, options.inference, logger);
  try {
    await pool.warmUp();
    const encoderOptions = {
      silenceThreshold: options.ingest.silenceThreshold,
    };
    const pcm = await decode(earshot, tools, file);
    const recorder = new RecordingPool(pool);
    await drain(createEncoder(pack, recorder, encoderOptions).encodeAudio(fromMemory(pcm)));
    const encoder = createEncoder(pack, pool, encoderOptions);
    const measured: Round[] = [];
    for (let number = 1; number <= rounds; number++) {
      const round = {
        decode: await secondsOf(() => decode(earshot, tools, file)),
        models: await replaySeconds(pool, recorder.runs),
        encode: await secondsOf(() => drain(encoder.encodeAudio(fromMemory(pcm)))),
        ingest: await secondsOf(() => ingest(earshot, file)),
      };
      progress(`${path.basename(file)}, round ${number} of ${rounds}: ${JSON.stringify(round)}`);
      measured.push(round);
    }
    return { rounds: measured, runs: recorder.runs.length };
  } finally {
    await pool.close();
  }
}

function summarise(kind: string, audioSeconds: number, rounds: readonly Round[]): Value[] {
  const value = (name: string, unit: string, of: (round: Round) => number, aim?: string): Value => {
    const runs = rounds.map(of);
    const found = {
      name: `${kind}/${name}`,
      unit,
      value: rounded(median(runs)),
      runs: runs.map((run) => rounded(run)),
    };
    return aim === undefined ? found : { ...found, aim };
  };
  return [
    value("speed", "times real time", ({ ingest }) => audioSeconds / ingest, ">= 50 on two cores"),
    value("efficiency", "share", ({ models, ingest }) => models / ingest, ">= 0.8"),
    value("whole ingest", "s", ({ ingest }) => ingest),
    value("models alone", "s", ({ models }) => models),
    value("encoding from memory", "s", ({ encode }) => encode),
    value("decoding alone", "s", ({ decode }) => decode),
  ];
}

function settingsOf(earshot: Earshot, { origin, version }: FfmpegTools, more: object): Report["settings"] {
  const { threads, batchSize, executionProviders } = earshot.options.inference;
  const ffmpeg = `${origin} ${version}`;
  return { pack: earshot.pack.id, threads, batchSize, executionProviders, ffmpeg, ...more };
}

async function ingest(earshot: Earshot, file: string): Promise<void> {
  const { id } = await earshot.ingest.submit({ source: { path: file } }, TENANT);
  const job = await earshot.ingest.waitFor(TENANT, id);
  if (job.state !== "COMPLETED") throw new Error(`the ingest ended as ${job.state}: ${job.errorMessage}`);
}

/** All samples of a file, in the chunks in which they came. */
async function decode({ options, pack }: Earshot, tools: FfmpegTools, file: string): Promise<Float32Array[]> {
  const limits = { ...options.limits, temporaryDirectory: options.temporaryDirectory };
  const stream = chooseAudioStream(await probe(tools, file, limits), options.audioTrack);
  if (stream === null) throw new Error(`${file} has no sound`);
  const chunks: Float32Array[] = [];
  for await (const chunk of decodePcm(tools, file, { ...limits, stream, sampleRate: pack.manifest.sampleRate })) {
    chunks.push(chunk);
  }
  return chunks;
}

async function* fromMemory(chunks: readonly Float32Array[]): AsyncGenerator<Float32Array> {
  await Promise.resolve();
  yield* chunks;
}

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}
