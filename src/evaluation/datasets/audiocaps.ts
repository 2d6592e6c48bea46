import { DatasetInvalidError } from "../../errors.js";
import { audioCapsMedia, benchmarkOf } from "./benchmarks.js";
import { clipOf, type CaptionSet, type SetClip } from "./caption-set.js";
import type { DatasetFolder } from "./dataset-folder.js";
import { listedSplits } from "./listed-splits.js";
import { readTable, seconds } from "./tables.js";

const COLUMNS = ["audiocap_id", "youtube_id", "start_time", "caption"] as const;
const FILES = { train: "train.csv", val: "val.csv", test: "test.csv" };

/** Whether a folder has a file of AudioCaps. */
export async function isAudioCaps(folder: DatasetFolder): Promise<boolean> {
  for (const file of Object.values(FILES)) {
    if ((await folder.opening(file)).startsWith("audiocap_id,")) return true;
  }
  return false;
}

/**
 * AudioCaps: `train.csv`, `val.csv`, `test.csv`, a caption a row (reference fact 6.2). Ids are `<YouTube id>_<start in
 * milliseconds>`, as in the published archives, whose lists decide where they lie in the same folder.
 *
 * @throws DatasetInvalidError a file is no such table, or a clip is in two of them
 */
export async function readAudioCaps(folder: DatasetFolder): Promise<CaptionSet> {
  const clips = new Map<string, SetClip>();
  const splits = new Map<string, SetClip[]>();
  for (const [split, file] of Object.entries(FILES)) {
    if (!folder.has(file)) continue;
    const found = await readFile(folder, file);
    for (const [id, { captions, numbers, line }] of found) {
      if (clips.has(id))
        throw new DatasetInvalidError(`${file}, line ${line}: the clip "${id}" is in another split, too.`);
      clips.set(id, clipOf({ id, captions, media: audioCapsMedia(id, numbers) }));
    }
    splits.set(
      split,
      [...found.keys()].map((id) => clips.get(id)!),
    );
  }
  const benchmark = benchmarkOf("AUDIOCAPS");
  return {
    title: benchmark.title,
    benchmark: benchmark.name,
    protocol: benchmark.protocol,
    splits: await listedSplits(folder, benchmark, clips, splits),
  };
}

async function readFile(
  folder: DatasetFolder,
  file: string,
): Promise<Map<string, { captions: string[]; numbers: string[]; line: number }>> {
  const found = new Map<string, { captions: string[]; numbers: string[]; line: number }>();
  for (const { line, cells } of await readTable(folder, file, COLUMNS)) {
    const where = `${file}, line ${line}`;
    if (cells.youtube_id === "") throw new DatasetInvalidError(`${where}: the caption has no youtube_id.`);
    const id = `${cells.youtube_id}_${Math.round(seconds(cells.start_time, `${where}, start_time`) * 1000)}`;
    const clip = found.get(id) ?? { captions: [], numbers: [], line };
    if (cells.caption !== "") clip.captions.push(cells.caption);
    clip.numbers.push(cells.audiocap_id);
    found.set(id, clip);
  }
  return found;
}
