import type { EvaluationNotice } from "../../catalog/index.js";
import { DatasetInvalidError } from "../../errors.js";
import type { Benchmark } from "./benchmarks.js";
import { addOnce, clipOf, some, splitOf, type CaptionSplit, type SetClip } from "./caption-set.js";
import type { DatasetFolder } from "./dataset-folder.js";

/**
 * The ids of a list, one a line; empty lines do not count.
 *
 * @throws DatasetInvalidError one stands there twice
 */
export async function readIds(folder: DatasetFolder, name: string): Promise<string[]> {
  const ids = new Map<string, true>();
  (await folder.text(name)).split(/\r\n|\r|\n/).forEach((text, at) => {
    const id = text.trim();
    if (id !== "") addOnce(ids, id, true, `${name}, line ${at + 1}`);
  });
  return [...ids.keys()];
}

/**
 * The splits as the published lists say, where they lie in the folder; else as the files of captions do. A listed clip
 * without a caption stays in its split, to be counted as missing.
 *
 * @param clips All clips of the data set, by id
 * @param byFile The splits that the files of captions make
 * @throws DatasetInvalidError a list is no list, or names nothing that is known
 */
export async function listedSplits(
  folder: DatasetFolder,
  benchmark: Benchmark,
  clips: ReadonlyMap<string, SetClip>,
  byFile: ReadonlyMap<string, readonly SetClip[]>,
): Promise<Map<string, CaptionSplit>> {
  const splits = new Map<string, CaptionSplit>([...byFile].map(([name, listed]) => [name, splitOf(listed)]));
  for (const [name, list] of Object.entries(benchmark.lists)) {
    if (!folder.has(list)) continue;
    const ids = await readIds(folder, list);
    const unknown = ids.filter((id) => !clips.has(id));
    if (ids.length > 0 && unknown.length === ids.length) {
      throw new DatasetInvalidError(`${list}: none of its ids has a caption: ${some(unknown)}.`);
    }
    const notices: EvaluationNotice[] = [];
    if (unknown.length > 0) {
      notices.push({
        code: "LISTED_WITHOUT_CAPTION",
        message: `Clips in ${list} without a caption: ${unknown.length} of ${ids.length} (${some(unknown)}).`,
      });
    }
    const listed = new Set(ids);
    const passedOver = (byFile.get(name) ?? []).filter(({ id }) => !listed.has(id)).length;
    if (passedOver > 0) {
      notices.push({
        code: "CLIPS_NOT_LISTED",
        message: `Clips of this split with captions that are left out, as they are not in ${list}: ${passedOver}.`,
      });
    }
    splits.set(name, {
      clips: ids.map((id) => clips.get(id) ?? clipOf({ id, media: benchmark.media(id) })),
      notices,
      relevance: [],
    });
  }
  return splits;
}
