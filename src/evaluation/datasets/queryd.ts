import { z } from "zod";
import { DatasetInvalidError } from "../../errors.js";
import { benchmarkOf, youTubeIdOf, type Benchmark } from "./benchmarks.js";
import { clipOf, type CaptionSet, type SetClip } from "./caption-set.js";
import type { DatasetFolder } from "./dataset-folder.js";
import type { MediaName } from "./dataset.js";
import { readJson } from "./json-files.js";
import { listedSplits } from "./listed-splits.js";

const VIDEOS = "raw_captions_combined_filtered";
const SEGMENTS = "split_raw_captions_filtered";

/** A caption is a text, or the list of its words. */
const captionsByClip = z.record(z.string().min(1), z.array(z.union([z.string(), z.array(z.string())])));
const timesByClip = z.record(z.string(), z.array(z.tuple([z.number(), z.number()])));

/** The file of that name, or of its newest version. */
function find(folder: DatasetFolder, stem: string): string | undefined {
  return ["", "-v2", "-v1"].map((version) => `${stem}${version}.json`).find((file) => folder.has(file));
}

/** Whether a folder has the captions of QuerYD's whole videos, as JSON. */
export function isQuerYD(folder: DatasetFolder): boolean {
  return find(folder, VIDEOS) !== undefined;
}

/** Whether a folder has the captions of QuerYD's segments, as JSON. */
export function isQuerYDSegments(folder: DatasetFolder): boolean {
  return find(folder, SEGMENTS) !== undefined;
}

/**
 * QuerYD's whole videos with all descriptions of what is seen, in order (reference fact 6.2). Ids are `video-<YouTube
 * id>`. Needs the lists of the splits.
 *
 * @throws DatasetInvalidError
 */
export function readQuerYD(folder: DatasetFolder): Promise<CaptionSet> {
  return read(folder, benchmarkOf("QUERYD"), VIDEOS);
}

/**
 * QuerYD's segments, the paper's QuerYD, with one description each. Ids are `<YouTube id>-<segment id>`; media are
 * called by them, or are whole videos where the times of the segments are known.
 *
 * @throws DatasetInvalidError
 */
export function readQuerYDSegments(folder: DatasetFolder): Promise<CaptionSet> {
  return read(folder, benchmarkOf("QUERYD_SEGMENTS"), SEGMENTS);
}

async function read(folder: DatasetFolder, benchmark: Benchmark, stem: string): Promise<CaptionSet> {
  const file = find(folder, stem)!;
  const timesFile = find(folder, stem.replace("raw_captions", "times_captions"));
  const times = timesFile === undefined ? {} : await readJson(folder, timesFile, timesByClip);
  const clips = new Map<string, SetClip>();
  for (const [id, texts] of Object.entries(await readJson(folder, file, captionsByClip))) {
    const captions = texts.map((text) => (typeof text === "string" ? words(text) : text).join(" "));
    const found = Object.hasOwn(times, id) ? times[id]! : undefined;
    if (found !== undefined && found.length !== captions.length) {
      throw new DatasetInvalidError(
        `${timesFile}: expected ${captions.length} times of "${id}", one a caption; there are ${found.length}.`,
      );
    }
    const media = benchmark.media(id);
    if (benchmark.name === "QUERYD_SEGMENTS") {
      clips.set(id, clipOf({ id, captions, media: [...media, ...partOfVideo(id, found?.[0])] }));
    } else {
      const moments = (found ?? []).map((span, place) => ({
        text: captions[place]!,
        times: span,
        within: [0, Infinity] as const,
      }));
      clips.set(id, clipOf({ id, captions, media, moments }));
    }
  }
  const splits = await listedSplits(folder, benchmark, clips, new Map());
  if (splits.size === 0) {
    throw new DatasetInvalidError(`Beside ${file} the lists ${Object.values(benchmark.lists).join(", ")} are missing.`);
  }
  return { title: benchmark.title, benchmark: benchmark.name, protocol: benchmark.protocol, splits };
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function partOfVideo(id: string, times: readonly [number, number] | undefined): MediaName[] {
  if (times === undefined) return [];
  const [startSeconds, endSeconds] = [Math.min(...times), Math.max(...times)];
  return youTubeIdOf(id).map((name) => ({ name, exact: false, startSeconds, endSeconds }));
}
