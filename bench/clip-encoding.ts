/**
 * How fast an evaluation turns the clips of a data set into vectors, and which part of that time the models alone would
 * need: for many short media files, where starting ffprobe and ffmpeg counts, and for features.
 *
 * Each round measures, one after the other: the whole, and every run of an expert or the clip encoder that it makes, on the
 * same pool, from memory. Efficiency = models alone / whole.
 */
import { rm } from "node:fs/promises";
import path from "node:path";
import type { ClipWork } from "../src/evaluation/clips/index.js";
import type { EvaluationDataset, ExpertFeatures } from "../src/evaluation/datasets/index.js";
import type { InferencePool, ModelPack } from "../src/models/index.js";
import type { Benchmark, Value } from "./benchmark.js";
import { secondsOf } from "./clock.js";
import { BenchMedia, configuredFfmpeg } from "./media.js";
import {
  createEncoder,
  createInferencePool,
  createLogger,
  encodeClips,
  loadModelPack,
  processEnvironment,
  resolveOptions,
} from "./product.js";
import { RandomNumbers } from "./random-numbers.js";
import { RecordingPool, replaySeconds } from "./recorded-runs.js";
import { median, rounded } from "./statistics.js";

/** Seconds of a clip, as in AudioCaps. */
const CLIP_SECONDS = 10;

/** What one kind of clips needs; seconds. */
interface Round {
  whole: number;
  models: number;
}

export const clipEncoding: Benchmark = {
  name: "clip-encoding",
  async run(context) {
    const [files, rows, rounds] = context.quick ? [6, 100, 1] : [120, 4917, 3];
    const options = resolveOptions({ dataDirectory: context.folder }, processEnvironment());
    const logger = createLogger("error");
    const tools = await configuredFfmpeg();
    const clips = await new BenchMedia(context, tools.ffmpeg).clips(files, CLIP_SECONDS);
    const pack = await loadModelPack(options.modelPack);
    const pool = await createInferencePool(pack, options.inference, logger);
    const folder = path.join(context.folder, "clip-encoding");
    const media = clips.map((file) => ({ file, startSeconds: null, endSeconds: null }));
    const common = { experts: null, folder };
    const works: Record<string, ClipWork> = {
      media: {
        ...common,
        dataset: datasetOf(files),
        source: { kind: "media", media, fingerprint: "", tools },
        scoring: "BEST_SEGMENT",
      },
      features: {
        ...common,
        dataset: datasetOf(rows, featuresOf(pack)),
        source: { kind: "features" },
        scoring: "WHOLE_CLIP",
      },
    };
    const encode = async (with_: InferencePool, work: ClipWork) => {
      await rm(folder, { recursive: true, force: true });
      const parts = { pack, encoder: createEncoder(pack, with_), inference: with_, options, logger };
      await encodeClips(parts, work, () => undefined, new AbortController().signal);
    };
    try {
      await pool.warmUp();
      const values: Value[] = [];
      for (const [kind, work] of Object.entries(works)) {
        const measured: Round[] = [];
        for (let number = 1; number <= rounds; number++) {
          // Anew in each round: what is kept of the runs makes the process large, and starting ffmpeg from it slow.
          const round = {
            whole: await secondsOf(() => encode(pool, work)),
            models: await modelsAlone(pool, work, encode),
          };
          context.progress(`${kind}, round ${number} of ${rounds}: ${JSON.stringify(round)}`);
          measured.push(round);
        }
        values.push(...summarise(kind, work.dataset.clips.length, measured));
      }
      const { threads, batchSize, executionProviders } = options.inference;
      const ffmpeg = `${tools.origin} ${tools.version}`;
      return { values, settings: { pack: pack.id, threads, batchSize, executionProviders, ffmpeg, rounds } };
    } finally {
      await pool.close();
    }
  },
};

async function modelsAlone(
  pool: InferencePool,
  work: ClipWork,
  encode: (pool: InferencePool, work: ClipWork) => Promise<void>,
): Promise<number> {
  const recorder = new RecordingPool(pool);
  await encode(recorder, work);
  return replaySeconds(pool, recorder.runs);
}

function summarise(kind: string, clips: number, rounds: readonly Round[]): Value[] {
  const value = (name: string, unit: string, of: (round: Round) => number): Value => {
    const runs = rounds.map(of);
    return { name: `${kind}/${name}`, unit, value: rounded(median(runs)), runs: runs.map((run) => rounded(run)) };
  };
  const speed = value("speed", "times real time", ({ whole }) => (clips * CLIP_SECONDS) / whole);
  return [
    ...(kind === "media" ? [speed] : []),
    value("clips a second", "clips/s", ({ whole }) => clips / whole),
    value("efficiency", "share", ({ whole, models }) => models / whole),
    value("models alone", "s", ({ models }) => models),
    value("beside the models, a clip", "ms", ({ whole, models }) => (1000 * (whole - models)) / clips),
  ];
}

function datasetOf(clips: number, features: EvaluationDataset["features"] = null): EvaluationDataset {
  return {
    benchmark: "CUSTOM",
    title: "clips",
    split: "test",
    clips: Array.from({ length: clips }, (_, row) => ({ id: `${row}`, captions: ["a caption"], media: [], row })),
    protocol: { textTokens: null, maxTokens: {}, fuseCaptions: false, captionsPerClip: 1 },
    features,
    words: null,
    relevance: [],
    moments: [],
    version: "1",
    notices: [],
    close: () => Promise.resolve(),
  };
}

/** As many tokens as each expert takes. */
function featuresOf({ manifest }: ModelPack): Record<string, ExpertFeatures> {
  const random = new RandomNumbers(1);
  return Object.fromEntries(
    manifest.experts.map(({ name, aggregation, featureDim, maxTokens }) => {
      const tokens = Float32Array.from({ length: featureDim * maxTokens }, () => random.uniform());
      return [name, { aggregation, dim: featureDim, read: () => Promise.resolve(tokens) }];
    }),
  );
}
