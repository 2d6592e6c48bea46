import { z } from "zod";
import { DatasetInvalidError } from "../../errors.js";
import { benchmarkOf } from "./benchmarks.js";
import { clipOf, type CaptionSet, type SetClip } from "./caption-set.js";
import type { DatasetFolder } from "./dataset-folder.js";
import { readJson } from "./json-files.js";
import { listedSplits } from "./listed-splits.js";

const FILES = { train: "train.json", val: "val_1.json" };

const videos = z.record(
  z.string().min(1),
  z
    .object({
      duration: z.number().positive().optional(),
      timestamps: z.array(z.tuple([z.number(), z.number()])),
      sentences: z.array(z.string()),
    })
    .refine(({ timestamps, sentences }) => timestamps.length === sentences.length, {
      error: "expected as many timestamps as sentences",
    }),
);

/** Whether a folder has the files of ActivityNet Captions. */
export function isActivityNet(folder: DatasetFolder): boolean {
  return folder.has(FILES.val);
}

/**
 * ActivityNet Captions: `train.json`, `val_1.json` (reference fact 6.2). Whole videos with all their sentences in order,
 * each with its times. As in the reference, val_1 is both validation and test; the second descriptions of the same
 * videos, `val_2.json`, are the split "val_2".
 *
 * @throws DatasetInvalidError a file is of another shape, or a video is in two splits
 */
export async function readActivityNet(folder: DatasetFolder): Promise<CaptionSet> {
  const benchmark = benchmarkOf("ACTIVITYNET_CAPTIONS");
  const clips = new Map<string, SetClip>();
  const splits = new Map<string, SetClip[]>();
  for (const [split, file] of Object.entries(FILES)) {
    if (!folder.has(file)) continue;
    const found = await readFile(folder, file);
    for (const clip of found) {
      if (clips.has(clip.id))
        throw new DatasetInvalidError(`${file}: the video "${clip.id}" is in another split, too.`);
      clips.set(clip.id, clip);
    }
    splits.set(split, found);
  }
  if (splits.has("val")) splits.set("test", splits.get("val")!);
  if (folder.has("val_2.json")) splits.set("val_2", await readFile(folder, "val_2.json"));
  return {
    title: benchmark.title,
    benchmark: benchmark.name,
    protocol: benchmark.protocol,
    splits: await listedSplits(folder, benchmark, clips, splits),
  };
}

async function readFile(folder: DatasetFolder, file: string): Promise<SetClip[]> {
  const { media } = benchmarkOf("ACTIVITYNET_CAPTIONS");
  return Object.entries(await readJson(folder, file, videos)).map(([id, { duration, timestamps, sentences }]) => {
    const captions = sentences.map((sentence) => sentence.trim());
    const moments = captions.map((text, place) => ({
      text,
      times: timestamps[place]!,
      within: [0, duration ?? Infinity] as const,
    }));
    return clipOf({ id, captions, media: media(id), moments });
  });
}
