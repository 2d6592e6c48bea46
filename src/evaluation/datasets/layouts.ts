import { stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import type { BenchmarkName } from "../../catalog/index.js";
import { DatasetNotFoundError } from "../../errors.js";
import { isActivityNet, readActivityNet } from "./activity-net.js";
import { isAudioCaps, readAudioCaps } from "./audiocaps.js";
import { benchmarkOf } from "./benchmarks.js";
import type { CaptionSet } from "./caption-set.js";
import { CLIPS_FILE, readOwnClips } from "./clip-lines.js";
import { isClotho, readClotho } from "./clotho.js";
import { DatasetFolder } from "./dataset-folder.js";
import { readJson } from "./json-files.js";
import { isLabelledSounds, readLabelledSounds } from "./labelled-sounds.js";
import { DESCRIPTION_FILE, isNeutral, readNeutral, type NeutralSet } from "./neutral.js";
import { isQuerYD, isQuerYDSegments, readQuerYD, readQuerYDSegments } from "./queryd.js";
import { isSoundDescs, readSoundDescs } from "./sounddescs.js";
import { readCastella, readDemo, readLighthouse, readScenes, type SplitFiles } from "./timed-queries.js";

/** How the files of a data set can lie in a folder. */
interface Layout {
  /** The benchmark whose files these are; null: any data set's. */
  benchmark: BenchmarkName | null;
  /** The files, for messages. */
  files: string;
  recognises(folder: DatasetFolder): boolean | Promise<boolean>;
  read(folder: DatasetFolder): Promise<CaptionSet>;
}

/** In the order in which they are looked for. */
const LAYOUTS: readonly Layout[] = [
  { benchmark: "AUDIOCAPS", files: "train.csv, val.csv, test.csv", recognises: isAudioCaps, read: readAudioCaps },
  { benchmark: "CLOTHO", files: "clotho_captions_*.csv", recognises: isClotho, read: readClotho },
  {
    benchmark: "ACTIVITYNET_CAPTIONS",
    files: "train.json, val_1.json",
    recognises: isActivityNet,
    read: readActivityNet,
  },
  { benchmark: "QUERYD", files: "raw_captions_combined_filtered.json", recognises: isQuerYD, read: readQuerYD },
  {
    benchmark: "QUERYD_SEGMENTS",
    files: "split_raw_captions_filtered.json",
    recognises: isQuerYDSegments,
    read: readQuerYDSegments,
  },
  { benchmark: "SOUNDDESCS", files: "*descri*.json", recognises: isSoundDescs, read: readSoundDescs },
  { benchmark: null, files: "manifest.csv with captions.csv", recognises: isLabelledSounds, read: readLabelledSounds },
  {
    benchmark: null,
    files: CLIPS_FILE,
    recognises: (folder) => folder.has(CLIPS_FILE),
    read: (folder) => readOwnClips(folder, CLIPS_FILE),
  },
  {
    benchmark: null,
    files: "scenes.json",
    recognises: (folder) => folder.has("scenes.json"),
    read: (folder) => readScenes(folder, "scenes.json"),
  },
  {
    benchmark: null,
    files: "*_test_release.jsonl of Clotho-Moment or CASTELLA",
    recognises: (folder) => lighthouseFiles(folder).size > 0,
    read: (folder) => readLighthouse(folder, lighthouseFiles(folder)),
  },
  {
    benchmark: null,
    files: "test.json of CASTELLA",
    recognises: async (folder) => (await kindOfJson(folder, [...castellaFiles(folder).values()][0])) === "castella",
    read: (folder) => readCastella(folder, castellaFiles(folder)),
  },
  {
    benchmark: null,
    files: "manifest.json of a demo",
    recognises: async (folder) => (await kindOfJson(folder, "manifest.json")) === "demo",
    read: (folder) => readDemo(folder, "manifest.json"),
  },
];

/** The files that a data set is found by; for messages. */
function expected(benchmark: BenchmarkName): string {
  const layouts = LAYOUTS.filter((layout) => benchmark === "CUSTOM" || layout.benchmark === benchmark);
  return `Expected a folder with ${DESCRIPTION_FILE}, or with ${layouts.map(({ files }) => files).join("; ")}.`;
}

/**
 * Reads the captions and splits in a folder, or a file: which layout it is, the files tell.
 *
 * @throws DatasetNotFoundError nothing of a known layout is there, or it is not of the benchmark
 * @throws DatasetInvalidError a file is malformed
 */
export async function readCaptions(captions: string, benchmark: BenchmarkName): Promise<CaptionSet | NeutralSet> {
  const found = await stat(captions).catch(() => null);
  const set = found?.isFile() === true ? await readFile(captions, benchmark) : await readFolder(captions, benchmark);
  if (benchmark === "CUSTOM" || set.benchmark === benchmark) return set;
  const name = path.basename(captions);
  throw new DatasetNotFoundError(
    `"${name}" holds the data set "${set.title}", not ${benchmark}. ` +
      `Run it as ${set.benchmark ?? "CUSTOM"}, or name the folder of ${benchmark}.`,
    { detail: captions },
  );
}

async function readFolder(captions: string, benchmark: BenchmarkName): Promise<CaptionSet> {
  const folder = await DatasetFolder.open(captions);
  if (isNeutral(folder)) return readNeutral(folder);
  // A folder may hold the files of two benchmarks, such as both forms of QuerYD: the one that is wanted goes first.
  const layouts = [...LAYOUTS].sort((a, b) => Number(b.benchmark === benchmark) - Number(a.benchmark === benchmark));
  for (const layout of layouts) if (await layout.recognises(folder)) return layout.read(folder);
  throw notFound(folder, benchmark);
}

/** A file stands for the data set in its folder, unless it is one whole data set itself. */
async function readFile(captions: string, benchmark: BenchmarkName): Promise<CaptionSet> {
  const directory = path.dirname(captions);
  const file = path.basename(captions);
  const folder = await DatasetFolder.open(directory);
  if (file.endsWith(".jsonl")) {
    const isLighthouse = /"relevant_windows"\s*:/.test(await folder.opening(file));
    return isLighthouse ? readLighthouse(folder, new Map([[splitOfFile(file), file]])) : readOwnClips(folder, file);
  }
  if (file.endsWith(".json") && file !== DESCRIPTION_FILE) {
    switch (await kindOfJson(folder, file)) {
      case "scenes":
        return readScenes(folder, file);
      case "castella":
        return readCastella(folder, new Map([[splitOfFile(file), file]]));
      case "demo":
        return readDemo(folder, file);
      case null:
    }
  }
  if (/\.(csv|json)$/.test(file)) return readFolder(directory, benchmark);
  throw new DatasetNotFoundError(
    isPickled(file)
      ? `Earshot does not open "${file}". ${conversionOf(benchmark)}`
      : `"${file}" is no file of captions that is known. ${expected(benchmark)}`,
    { detail: captions },
  );
}

function notFound(folder: DatasetFolder, benchmark: BenchmarkName): DatasetNotFoundError {
  const pickled = folder.names.find(isPickled);
  const what =
    pickled === undefined
      ? expected(benchmark)
      : `Earshot does not open files such as "${pickled}". ${conversionOf(benchmark)}`;
  return new DatasetNotFoundError(`There is no data set in the folder "${folder.name}". ${what}`, {
    detail: folder.path,
  });
}

/** What the published archives consist of: pickles, which must not be opened as they come, and HDF5. */
function isPickled(name: string): boolean {
  return /\.(pkl|pickle|hickle|tar|tar\.gz|tgz)$/.test(name) || /^(structured-symlinks|symlinked-feats)$/.test(name);
}

function conversionOf(benchmark: BenchmarkName): string {
  const name = benchmark === "CUSTOM" ? "NAME" : benchmarkOf(benchmark).title;
  return (
    `Convert the published archive, or the folder it unpacks to, with ` +
    `"earshot-training dataset convert ARCHIVE --name ${name} --output FOLDER"; make features of captions and media with ` +
    `"earshot-training extract --dataset CAPTIONS --media MEDIA --output FOLDER"; then name the new folder.`
  );
}

// --- telling files apart ---

const SPLIT_IN_NAME = /(?:^|[_.-])(train|val|test)(?=[_.-])/;

/** The split that a file's name names; else all of it is "test". */
function splitOfFile(file: string): string {
  return SPLIT_IN_NAME.exec(file)?.[1] ?? "test";
}

/** The first file of each split that is named as the Lighthouse toolkit names them. */
function lighthouseFiles(folder: DatasetFolder): SplitFiles {
  return new Map(
    folder.names
      .filter((name) => name.endsWith("_release.jsonl") && SPLIT_IN_NAME.test(name))
      .reverse()
      .map((name) => [splitOfFile(name), name]),
  );
}

function castellaFiles(folder: DatasetFolder): SplitFiles {
  return new Map(
    ["train", "val", "test"].map((split) => [split, `${split}.json`] as const).filter(([, file]) => folder.has(file)),
  );
}

const listOf = (field: string) => z.array(z.looseObject({ [field]: z.array(z.unknown()) })).min(1);
const KINDS = {
  castella: listOf("moments"),
  scenes: listOf("queries"),
  demo: z.looseObject({ videos: z.array(z.unknown()), queries: z.array(z.unknown()) }),
} as const;

async function kindOfJson(folder: DatasetFolder, file: string | undefined): Promise<keyof typeof KINDS | null> {
  if (file === undefined || !folder.has(file)) return null;
  const content = await readJson(folder, file, z.unknown());
  const found = Object.entries(KINDS).find(
    ([, shape]) => shape.safeParse(Array.isArray(content) ? content.slice(0, 1) : content).success,
  );
  return (found?.[0] as keyof typeof KINDS | undefined) ?? null;
}
