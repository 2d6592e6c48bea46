/** Data sets of moments: queries, each with the times at which it holds in one file. */
import path from "node:path";
import { z } from "zod";
import { DatasetInvalidError } from "../../errors.js";
import { addOnce, clipOf, OPEN_PROTOCOL, splitOf, type CaptionSet, type SetClip } from "./caption-set.js";
import type { DatasetFolder } from "./dataset-folder.js";
import type { MediaName } from "./dataset.js";
import { readJson, readJsonLines } from "./json-files.js";
import { distinctTexts, type TimedText } from "./moments.js";

const text = z.string().refine((query) => query.trim() !== "", { error: "expected words" });
const seconds = z.number().nonnegative();
const span = z.tuple([z.number(), z.number()]);

/** Files of the splits, by the split's name. */
export type SplitFiles = ReadonlyMap<string, string>;

// --- scenes.json ---

const scenes = z.array(
  z.object({
    file: z.string().min(1),
    duration_s: z.number().positive().optional(),
    split: z.string().min(1).optional(),
    queries: z.array(z.object({ text, start_s: seconds, end_s: seconds })),
  }),
);

/**
 * A list of scenes: `file`, `duration_s`, `split` (default "test") and `queries` of `text`, `start_s`, `end_s`; a text
 * that stands there again has a further time.
 *
 * @throws DatasetInvalidError
 */
export async function readScenes(folder: DatasetFolder, file: string): Promise<CaptionSet> {
  const splits = new Map<string, SetClip[]>();
  const ids = new Map<string, true>();
  (await readJson(folder, file, scenes)).forEach(({ file: media, duration_s, split = "test", queries }, place) => {
    const clip = timedClip(
      stemOf(media),
      [exactly(media)],
      queries.map((query) => timed(query.text, [query.start_s, query.end_s], duration_s)),
    );
    addOnce(ids, clip.id, true, `${file}, scene ${place + 1}`);
    splits.set(split, [...(splits.get(split) ?? []), clip]);
  });
  return openSet("scenes", splits);
}

// --- the manifest of Earshot's demo ---

const demo = z.object({
  videos: z.array(z.object({ file: z.string().min(1) })),
  queries: z.array(z.object({ text, video: z.string().min(1), startSeconds: seconds, endSeconds: seconds })),
});

/**
 * The manifest of Earshot's demo: `videos` with a `file`, and `queries` with `text`, `video`, `startSeconds`,
 * `endSeconds`.
 *
 * @throws DatasetInvalidError
 */
export async function readDemo(folder: DatasetFolder, file: string): Promise<CaptionSet> {
  const { videos, queries } = await readJson(folder, file, demo);
  const moments = new Map<string, TimedText[]>();
  videos.forEach(({ file: media }, place) => addOnce(moments, media, [], `${file}, video ${place + 1}`));
  for (const query of queries) {
    const found = moments.get(query.video);
    if (!found) throw new DatasetInvalidError(`${file}: the query "${query.text}" names "${query.video}", no video.`);
    found.push(timed(query.text, [query.startSeconds, query.endSeconds], undefined));
  }
  const clips = [...moments].map(([media, found]) => timedClip(stemOf(media), [exactly(media)], found));
  return openSet("demo", new Map([["test", clips]]));
}

// --- CASTELLA ---

const castella = z.array(
  z.object({
    yid: z.string().min(1),
    duration: z.number().positive().optional(),
    moments: z.array(z.object({ local_caption: text, timestamps: z.array(span) })),
  }),
);

/**
 * CASTELLA's own files: a list of `yid`, `duration` and `moments`, these with a `local_caption` and its `timestamps`. The
 * caption of the whole recording is not read, so that these files and those of the Lighthouse toolkit agree.
 *
 * @throws DatasetInvalidError
 */
export async function readCastella(folder: DatasetFolder, files: SplitFiles): Promise<CaptionSet> {
  const splits = new Map<string, SetClip[]>();
  for (const [split, file] of files) {
    const ids = new Map<string, SetClip>();
    (await readJson(folder, file, castella)).forEach(({ yid, duration, moments }, place) => {
      const found = moments.flatMap(({ local_caption, timestamps }) =>
        timestamps.map((times) => timed(local_caption, times, duration)),
      );
      addOnce(ids, yid, timedClip(yid, [], found), `${file}, entry ${place + 1}`);
    });
    splits.set(split, [...ids.values()]);
  }
  return openSet("castella", splits);
}

// --- the JSON lines of the Lighthouse toolkit ---

const query = z.object({
  query: text,
  vid: z.string().min(1),
  duration: z.number().positive().optional(),
  relevant_windows: z.array(span),
});

/**
 * The JSON lines of Clotho-Moment, CASTELLA and others in the Lighthouse toolkit: `query`, `vid` (the file's name without
 * its suffix), `duration` and `relevant_windows`. The clips are the files that a line names, in order.
 *
 * @throws DatasetInvalidError
 */
export async function readLighthouse(folder: DatasetFolder, files: SplitFiles): Promise<CaptionSet> {
  const splits = new Map<string, SetClip[]>();
  for (const [split, file] of files) {
    const moments = new Map<string, TimedText[]>();
    for await (const { value } of readJsonLines(folder, file, query)) {
      if (!moments.has(value.vid)) moments.set(value.vid, []);
      for (const times of value.relevant_windows) {
        moments.get(value.vid)!.push(timed(value.query, times, value.duration));
      }
    }
    splits.set(
      split,
      [...moments].map(([id, found]) => timedClip(id, [], found)),
    );
  }
  return openSet(titleOf([...files.values()][0]!), splits);
}

/** "clotho_moment" of "clotho_moment_test_release.jsonl". */
function titleOf(file: string): string {
  return /^(.+?)_(?:train|val|test)(?:_|\.)/.exec(file)?.[1] ?? stemOf(file);
}

// --- what they have in common ---

function timed(query: string, times: readonly [number, number], duration: number | undefined): TimedText {
  return { text: query.trim(), times, within: [0, duration ?? Infinity] };
}

function timedClip(id: string, media: MediaName[], moments: TimedText[]): SetClip {
  return clipOf({ id, media, moments, captions: distinctTexts(moments) });
}

function exactly(file: string): MediaName {
  return { name: file, exact: true, startSeconds: null, endSeconds: null };
}

function stemOf(file: string): string {
  return path.posix.parse(file).name;
}

function openSet(title: string, splits: ReadonlyMap<string, readonly SetClip[]>): CaptionSet {
  return {
    title,
    benchmark: null,
    protocol: OPEN_PROTOCOL,
    splits: new Map([...splits].map(([name, clips]) => [name, splitOf(clips)])),
  };
}
