import { z } from "zod";
import { DatasetInvalidError } from "../../errors.js";
import { addOnce, clipOf, OPEN_PROTOCOL, splitOf, type CaptionSet, type SetClip } from "./caption-set.js";
import type { DatasetFolder } from "./dataset-folder.js";
import { readJsonLines } from "./json-files.js";
import { distinctTexts } from "./moments.js";

export const CLIPS_FILE = "clips.jsonl";

const time = z.number().nonnegative().nullish();

/** A line of `clips.jsonl`, as `earshot-training` writes it; unknown fields do not count. */
const clipLine = z
  .object({
    id: z.string().min(1),
    captions: z.array(z.string()),
    /** File below the media folder; the clip is `startSeconds` to `endSeconds` of it. */
    media: z.string().min(1).nullish(),
    startSeconds: time,
    endSeconds: time,
    /** When each caption holds: start and end in the file, seconds. */
    moments: z.array(z.tuple([z.number(), z.number()])).nullish(),
    split: z.string().min(1).nullish(),
  })
  .refine(({ captions, moments }) => !moments || moments.length === captions.length, {
    error: "expected as many moments as captions",
    path: ["moments"],
  })
  .refine(({ startSeconds, endSeconds }) => (endSeconds ?? Infinity) > (startSeconds ?? 0), {
    error: "expected an end after the start",
    path: ["endSeconds"],
  });

/** A clip as its line says, and the split that it names. */
export interface ClipLine {
  clip: SetClip;
  split: string | null;
}

/**
 * The clips of a file with one a line: `id`, `captions`, and where they are known `media`, `startSeconds`, `endSeconds`,
 * `moments` (one a caption; the same caption again has a further time) and `split`.
 *
 * @throws DatasetInvalidError with the line that is malformed, or whose id was there before
 */
export async function readClipLines(folder: DatasetFolder, file: string): Promise<ClipLine[]> {
  const ids = new Map<string, ClipLine>();
  for await (const { line, value } of readJsonLines(folder, file, clipLine)) {
    const { id, captions, media, moments, split } = value;
    const [startSeconds, endSeconds] = [value.startSeconds ?? null, value.endSeconds ?? null];
    const clip = clipOf({
      id,
      captions,
      media: media === undefined || media === null ? [] : [{ name: media, exact: true, startSeconds, endSeconds }],
      moments: (moments ?? []).map((times, place) => ({
        text: captions[place]!,
        times,
        within: [startSeconds ?? 0, endSeconds ?? Infinity],
      })),
    });
    addOnce(ids, id, { clip, split: split ?? null }, `${file}, line ${line}`);
  }
  return [...ids.values()];
}

/**
 * One's own data: such a file alone, without a description. Where no line names a split, all of it is "test".
 *
 * @throws DatasetInvalidError as {@link readClipLines}; or some lines name a split and others do not
 */
export async function readOwnClips(folder: DatasetFolder, file: string): Promise<CaptionSet> {
  const lines = await readClipLines(folder, file);
  const without = lines.find(({ split }) => split === null);
  if (without !== undefined && lines.some(({ split }) => split !== null)) {
    throw new DatasetInvalidError(`${file}: the clip "${without.clip.id}" names no split, and others do.`);
  }
  const splits = new Map<string, SetClip[]>(lines.length === 0 ? [["test", []]] : []);
  for (const { clip, split } of lines) {
    const name = split ?? "test";
    if (!splits.has(name)) splits.set(name, []);
    const captions = clip.moments.length > 0 ? distinctTexts(clip.moments) : clip.captions;
    splits.get(name)!.push({ ...clip, captions: captions.filter((text) => text.trim() !== "") });
  }
  return {
    title: file === CLIPS_FILE ? folder.name : file.replace(/\.jsonl$/, ""),
    benchmark: null,
    protocol: OPEN_PROTOCOL,
    splits: new Map([...splits].map(([name, clips]) => [name, splitOf(clips)])),
  };
}
