import { realpath } from "node:fs/promises";
import type { BenchmarkName, EvaluationNotice } from "../../catalog/index.js";
import {
  DatasetEmptyError,
  DatasetInvalidError,
  DatasetNotFoundError,
  DatasetSplitNotFoundError,
} from "../../errors.js";
import { benchmarkOf } from "./benchmarks.js";
import type { CaptionSet, CaptionSplit, SetClip } from "./caption-set.js";
import { DatasetFolder } from "./dataset-folder.js";
import type { DatasetClip, EvaluationDataset, ExpertFeatures, Protocol, WordFeatures } from "./dataset.js";
import { openExpert, openWords } from "./features.js";
import { readCaptions } from "./layouts.js";
import { momentQueries } from "./moments.js";
import { DESCRIPTION_FILE, isNeutral, readNeutral, type NeutralSet } from "./neutral.js";
import { versionOf } from "./version.js";

/** Longest caption that is taken: captions are stored with every hit, and shown. */
const MOST_CHARACTERS = 10_000;

/** Which data set is wanted. Paths are absolute; whether they may be read is checked before. */
export interface DatasetRequest {
  benchmark: BenchmarkName;
  /** Folder or file of the captions: the neutral layout, or one of the raw formats. */
  captions: string;
  /** Folder of features in the neutral layout, which may be that of the captions; null: none are wanted. */
  features?: string | null;
  /** Name of the split; default "test". */
  split?: string;
}

/** What lies in a folder, without the clips themselves. */
export interface DatasetSummary {
  /** The data set's own name. */
  title: string;
  /** Its splits, with the clips each one lists. */
  splits: readonly { name: string; clips: number }[];
}

/**
 * Says what data set lies in a folder, and checks that it goes with the benchmark, and has the split where one is named.
 * Reads captions and lists, no features.
 *
 * @throws DatasetNotFoundError nothing of a known layout is there, or it is another benchmark's
 * @throws DatasetInvalidError a file is malformed
 * @throws DatasetSplitNotFoundError, DatasetEmptyError as {@link openDataset}
 */
export async function describeDataset(request: DatasetRequest): Promise<DatasetSummary> {
  const set = await readCaptions(request.captions, request.benchmark);
  if (request.split !== undefined) splitNamed(set, request.split);
  if (request.features) await readFeatureSet(request.features, request.captions, set);
  return { title: set.title, splits: [...set.splits].map(([name, { clips }]) => ({ name, clips: clips.length })) };
}

/**
 * Opens one split of a data set. Its features are read once for its version, and then row by row when they are asked for.
 *
 * Word vectors are given where the captions are those of the folder of features. Features that lie apart from the
 * captions belong to the clips of the same ids.
 *
 * @throws DatasetNotFoundError nothing of a known layout is there, or it is another benchmark's
 * @throws DatasetInvalidError a file is malformed
 * @throws DatasetSplitNotFoundError there is no such split: the message names those there are
 * @throws DatasetEmptyError the split has no clips, or none with a caption
 */
export async function openDataset(request: DatasetRequest, signal?: AbortSignal): Promise<EvaluationDataset> {
  const { benchmark, captions } = request;
  const set = await readCaptions(captions, benchmark);
  signal?.throwIfAborted();
  const featureSet = request.features ? await readFeatureSet(request.features, captions, set) : null;
  const name = request.split ?? "test";
  const split = splitNamed(set, name);
  const clips = clipsOf(split, featureSet, featureSet === set);
  const { queries: moments, notices } = momentQueries(split.clips);
  const arrays = await openArrays(featureSet, featureSet === set);
  try {
    const dataset = {
      benchmark,
      split: name,
      clips,
      protocol: protocolOf(set, name, split.clips, featureSet),
      features: arrays.features,
      words: arrays.words,
      relevance: split.relevance,
      moments,
    };
    return {
      ...dataset,
      title: set.title,
      version: await versionOf(dataset, signal),
      notices: [...split.notices, ...poolNotice(benchmark, name, clips.length), ...notices],
      close: arrays.close,
    };
  } catch (error) {
    await arrays.close();
    throw error;
  }
}

/** The folder of features; the set of captions itself where it is that folder's. */
async function readFeatureSet(features: string, captions: string, set: CaptionSet | NeutralSet): Promise<NeutralSet> {
  const folder = await DatasetFolder.open(features);
  if (!isNeutral(folder)) {
    throw new DatasetNotFoundError(
      `The folder of features "${folder.name}" has no ${DESCRIPTION_FILE}. Features are made with "earshot-training ` +
        'extract", and published ones converted with "earshot-training dataset convert".',
      { detail: features },
    );
  }
  const same = "folder" in set && set.folder.path === (await realpath(features));
  const found = same ? set : await readNeutral(folder);
  if (found.benchmark !== set.benchmark && found.benchmark !== null && set.benchmark !== null) {
    throw new DatasetNotFoundError(
      `The features in "${folder.name}" are of "${found.title}", and the captions of "${set.title}".`,
      { detail: `${features} and ${captions}` },
    );
  }
  if (Object.keys(found.experts).length === 0) {
    throw new DatasetInvalidError(
      `The data set "${folder.name}" has no features: its ${DESCRIPTION_FILE} names no experts.`,
    );
  }
  return found;
}

function splitNamed(set: CaptionSet, name: string): CaptionSplit {
  const split = set.splits.get(name);
  if (split === undefined) {
    const why = set.lacking?.get(name);
    throw new DatasetSplitNotFoundError(
      `The data set "${set.title}" has no split "${name}"; it has ${[...set.splits.keys()].join(", ") || "none"}.` +
        (why === undefined ? "" : ` ${why}`),
      { field: "split" },
    );
  }
  if (split.clips.length === 0) throw new DatasetEmptyError(`The split "${name}" of "${set.title}" lists no clips.`);
  const endless = split.clips.find(({ captions }) => captions.some((text) => text.length > MOST_CHARACTERS));
  if (endless !== undefined) {
    throw new DatasetInvalidError(
      `A caption of the clip "${endless.id}" in "${set.title}" has more than ${MOST_CHARACTERS} characters.`,
    );
  }
  if (split.relevance.length === 0 && split.clips.every(({ captions }) => captions.length === 0)) {
    throw new DatasetEmptyError(`No clip in the split "${name}" of "${set.title}" has a caption.`);
  }
  return split;
}

function clipsOf(split: CaptionSplit, featureSet: NeutralSet | null, same: boolean): DatasetClip[] {
  const rows = new Map(featureSet === null || same ? [] : featureSet.clips.map(({ id, row }) => [id, row]));
  return split.clips.map(({ id, captions, media, row }) => ({
    id,
    captions,
    media,
    row: same ? row : (rows.get(id) ?? -1),
  }));
}

function protocolOf(
  { protocol }: CaptionSet,
  split: string,
  clips: readonly SetClip[],
  featureSet: NeutralSet | null,
): Protocol {
  const { textTokens, fuseCaptions, validationCaptions, testCaptions } = protocol;
  const most = clips.reduce((count, { captions }) => Math.max(count, captions.length), 1);
  return {
    textTokens,
    // What an expert's sequences are cut to is a matter of how the features were made.
    maxTokens: { ...protocol.maxTokens, ...featureSet?.protocol.maxTokens },
    fuseCaptions,
    captionsPerClip: (/^val(idation)?(?![a-z])/i.test(split) ? validationCaptions : testCaptions) ?? most,
  };
}

async function openArrays(
  set: NeutralSet | null,
  withWords: boolean,
): Promise<Pick<EvaluationDataset, "features" | "words" | "close">> {
  if (set === null) return { features: null, words: null, close: () => Promise.resolve() };
  const open: { close(): Promise<void> }[] = [];
  const close = async () => {
    for (const array of open.splice(0)) await array.close();
  };
  try {
    const features: Record<string, ExpertFeatures> = {};
    for (const [name, entry] of Object.entries(set.experts)) {
      const expert = await openExpert(set.folder, name, entry, set.clips.length);
      open.push(expert);
      features[name] = expert;
    }
    let words: WordFeatures | null = null;
    if (withWords && set.words !== null) {
      const captions = set.clips.map((clip) => clip.captions.length);
      const opened = await openWords(set.folder, set.words, captions);
      open.push(opened);
      words = opened;
    }
    return { features, words, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function poolNotice(name: BenchmarkName, split: string, clips: number): EvaluationNotice[] {
  const pool = name === "CUSTOM" || split !== "test" ? null : benchmarkOf(name).paperPool;
  if (pool === null || pool === clips) return [];
  const list = name === "CUSTOM" ? "" : benchmarkOf(name).lists["test"];
  return [
    {
      code: "POOL_DIFFERS_FROM_PAPER",
      message:
        `The split lists ${clips} clips; the paper's figures are over ${pool}. Its clips are those of the published ` +
        `${list}, which is used where it lies beside the captions.`,
    },
  ];
}
