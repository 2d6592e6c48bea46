import { z } from "zod";
import { DatasetInvalidError } from "../../errors.js";
import { benchmarkTitled } from "./benchmarks.js";
import { some, splitOf, type CaptionSet, type CaptionSplit, type SetClip } from "./caption-set.js";
import { readClipLines } from "./clip-lines.js";
import type { DatasetFolder } from "./dataset-folder.js";
import { expertEntry, wordsEntry } from "./features.js";
import { readJson } from "./json-files.js";
import { readIds } from "./listed-splits.js";

/** The file that makes a folder a data set in the neutral layout. */
export const DESCRIPTION_FILE = "dataset.json";

const FORMAT_VERSION = 1;

const count = z.number().int().positive();
const file = z.string().min(1);

const description = z.object({
  formatVersion: z.literal(FORMAT_VERSION),
  name: z.string().min(1),
  clips: file,
  splits: z.record(z.string().min(1), file),
  experts: z.record(z.string().min(1), expertEntry),
  words: wordsEntry.nullish(),
  // The defaults are those of `earshot-training`.
  protocol: z
    .object({
      textTokens: count.default(20),
      maxTokens: z.record(z.string(), count).default({}),
      fuseCaptions: z.boolean().default(false),
      validationCaptions: count.default(1),
      testCaptions: count.default(1),
    })
    .prefault({}),
});

/** A data set in the neutral layout. The rows of its clips are their places in `clips`, and in the arrays. */
export interface NeutralSet extends CaptionSet {
  folder: DatasetFolder;
  clips: readonly SetClip[];
  experts: Readonly<Record<string, z.output<typeof expertEntry>>>;
  words: z.output<typeof wordsEntry> | null;
}

/** Whether a folder is a data set in the neutral layout. */
export function isNeutral(folder: DatasetFolder): boolean {
  return folder.has(DESCRIPTION_FILE);
}

/**
 * A data set as `earshot-training` writes it: `dataset.json`, `clips.jsonl`, a list of ids a split, and arrays. The arrays
 * are not opened.
 *
 * @throws DatasetInvalidError a file is missing or malformed, or a list names clips that are not there
 */
export async function readNeutral(folder: DatasetFolder): Promise<NeutralSet> {
  const {
    name,
    clips: clipsFile,
    splits,
    experts,
    words,
    protocol,
  } = await readJson(folder, DESCRIPTION_FILE, description);
  const benchmark = benchmarkTitled(name);
  const clips = (await readClipLines(folder, clipsFile)).map(({ clip }, row): SetClip => ({
    ...clip,
    row,
    media: clip.media.length > 0 ? clip.media : (benchmark?.media(clip.id) ?? []),
    // A segment is one caption's moment: there is nothing to find in it.
    moments: benchmark?.name === "QUERYD_SEGMENTS" ? [] : clip.moments,
  }));
  const byId = new Map(clips.map((clip) => [clip.id, clip]));
  const found = new Map<string, CaptionSplit>();
  for (const [split, list] of Object.entries(splits)) {
    const ids = await readIds(folder, list);
    const unknown = ids.filter((id) => !byId.has(id));
    if (unknown.length > 0) {
      throw new DatasetInvalidError(
        `${list}: ${unknown.length} of ${ids.length} ids are no clips of the data set: ${some(unknown)}.`,
      );
    }
    found.set(split, splitOf(ids.map((id) => byId.get(id)!)));
  }
  return {
    title: name,
    benchmark: benchmark?.name ?? null,
    protocol,
    splits: found,
    folder,
    clips,
    experts,
    words: words ?? null,
  };
}
