import { z } from "zod";
import { DatasetInvalidError } from "../../errors.js";
import { benchmarkOf } from "./benchmarks.js";
import { clipOf, type CaptionSet, type SetClip } from "./caption-set.js";
import type { DatasetFolder } from "./dataset-folder.js";
import { readJson } from "./json-files.js";
import { listedSplits } from "./listed-splits.js";

/** A recording's descriptions, one or several; each a text, or the list of its words. */
const descriptions = z.record(
  z.string().min(1),
  z.union([z.string(), z.array(z.union([z.string(), z.array(z.string())]))]),
);

function find(folder: DatasetFolder): string | undefined {
  return folder.names.find((name) => /descri.*\.json$/.test(name));
}

/** Whether a folder has descriptions of SoundDescs, as JSON. */
export function isSoundDescs(folder: DatasetFolder): boolean {
  return find(folder) !== undefined;
}

/**
 * SoundDescs: descriptions of BBC sound effects (reference fact 6.2), from a JSON file with "descri" in its name; and
 * the lists of the splits. Ids are the archive's, such as `nhu05091190`.
 *
 * @throws DatasetInvalidError
 */
export async function readSoundDescs(folder: DatasetFolder): Promise<CaptionSet> {
  const benchmark = benchmarkOf("SOUNDDESCS");
  const file = find(folder)!;
  const clips = new Map<string, SetClip>();
  for (const [id, found] of Object.entries(await readJson(folder, file, descriptions))) {
    const texts =
      typeof found === "string" ? [found] : found.map((text) => (typeof text === "string" ? text : text.join(" ")));
    const captions = texts.map((text) => text.trim().replace(/\s+/g, " ")).filter((text) => text !== "");
    if (captions.length > 0) clips.set(id, clipOf({ id, captions, media: benchmark.media(id) }));
  }
  const splits = await listedSplits(folder, benchmark, clips, new Map());
  if (splits.size === 0) {
    throw new DatasetInvalidError(`Beside ${file} the lists ${Object.values(benchmark.lists).join(", ")} are missing.`);
  }
  return { title: benchmark.title, benchmark: benchmark.name, protocol: benchmark.protocol, splits };
}
