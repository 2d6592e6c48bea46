import path from "node:path";
import { DatasetInvalidError } from "../../errors.js";
import { benchmarkOf, wholeFile } from "./benchmarks.js";
import { addOnce, clipOf, type CaptionSet, type SetClip } from "./caption-set.js";
import type { DatasetFolder } from "./dataset-folder.js";
import { listedSplits } from "./listed-splits.js";
import { readTable } from "./tables.js";

const CAPTIONS = ["caption_1", "caption_2", "caption_3", "caption_4", "caption_5"] as const;
const PARTS = { train: "development", val: "validation", test: "evaluation" };
const fileOf = (part: string): string => `clotho_captions_${part}.csv`;

/** Whether a folder has a file of Clotho. */
export function isClotho(folder: DatasetFolder): boolean {
  return Object.values(PARTS).some((part) => folder.has(fileOf(part)));
}

/**
 * Clotho 1.0 and later: `clotho_captions_{development,validation,evaluation}.csv` (reference fact 6.2). An id is a
 * file's name without its suffix, with single spaces.
 *
 * Version 1.0 has no validation part: the paper drew one, and its draw is only in the published lists. Where they are
 * not in the folder there is neither "val" nor "train". (`earshot-training` draws one of its own with NumPy's generator.)
 *
 * @throws DatasetInvalidError a file is no such table, or a sound is there twice
 */
export async function readClotho(folder: DatasetFolder): Promise<CaptionSet> {
  const clips = new Map<string, SetClip>();
  const splits = new Map<string, SetClip[]>();
  for (const [split, part] of Object.entries(PARTS)) {
    const file = fileOf(part);
    if (!folder.has(file)) continue;
    const found: SetClip[] = [];
    for (const { line, cells } of await readTable(folder, file, ["file_name", ...CAPTIONS])) {
      const where = `${file}, line ${line}`;
      if (cells.file_name === "") throw new DatasetInvalidError(`${where}: the captions have no file_name.`);
      const stem = path.posix.parse(cells.file_name).name;
      const id = stem.trim().replace(/\s+/g, " ");
      const captions = CAPTIONS.map((column) => cells[column]).filter((text) => text !== "");
      const clip = clipOf({ id, captions, media: [wholeFile(stem)] });
      addOnce(clips, id, clip, where);
      found.push(clip);
    }
    splits.set(split, found);
  }
  const benchmark = benchmarkOf("CLOTHO");
  const lacking = new Map<string, string>();
  if (splits.has("train") && !splits.has("val")) {
    splits.delete("train");
    for (const name of ["train", "val"].filter((split) => !folder.has(benchmark.lists[split]!))) {
      lacking.set(
        name,
        `Clotho 1.0 has no validation part: put ${benchmark.lists[name]} of the published archive into the folder, or ` +
          `${fileOf(PARTS.val)} of a later version.`,
      );
    }
  }
  return {
    title: benchmark.title,
    benchmark: benchmark.name,
    protocol: benchmark.protocol,
    splits: await listedSplits(folder, benchmark, clips, splits),
    lacking,
  };
}
