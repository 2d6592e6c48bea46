/** Pictures and sounds of clips for a report. */
import type { Earshot } from "../earshot.js";
import { EarshotError } from "../errors.js";
import type { CompletedEvaluation } from "../evaluation/comparison/index.js";
import { openDataset, resolveMedia, type DatasetClip, type ResolvedMedia } from "../evaluation/datasets/index.js";
import type { ClipExcerpt } from "../evaluation/report/index.js";
import { findIndexedClips } from "../evaluation/run/index-clips.js";
import { DEFAULT_TENANT } from "../graphql/viewer.js";
import { findFfmpeg, takeExcerpt, type FfmpegTools, type MediaExcerpt } from "../media/index.js";
import { startBar } from "./bar.js";
import type { Console } from "./console.js";

/** Characters of all pictures and sounds together; with its text, a page stays below 15 MB. */
const MOST_CHARACTERS = 14_000_000;

/** Clips that are read at the same time. */
const AT_ONCE = 4;

/**
 * Takes a picture and at most 10 s of sound from the middle of each clip. What cannot be had is left out; why that is so
 * for all clips is said.
 *
 * @param clips ids, those first that are wanted most
 * @throws the signal's reason when aborted
 */
export async function clipExcerpts(
  earshot: Earshot,
  evaluation: CompletedEvaluation,
  clips: readonly string[],
  out: Console,
  signal?: AbortSignal,
): Promise<Map<string, ClipExcerpt>> {
  const excerpts = new Map<string, ClipExcerpt>();
  // Features have no media that one could look at.
  if (evaluation.order.source.kind === "features" || clips.length === 0) return excerpts;
  let media: Map<string, ResolvedMedia>;
  let tools: FfmpegTools;
  try {
    media = await mediaOf(earshot, evaluation);
    tools = await findFfmpeg(earshot.options, earshot.logger);
  } catch (error) {
    if (!(error instanceof EarshotError)) throw error;
    out.complain(`The report has no pictures and sounds: ${error.message} (${error.code})`);
    return excerpts;
  }
  const bar = startBar(clips.length, out);
  let characters = 0;
  let leftOut = 0;
  try {
    for (let first = 0; first < clips.length; first += AT_ONCE) {
      bar?.update(first, "pictures and sounds for the report");
      const group = clips.slice(first, first + AT_ONCE);
      const taken = await Promise.all(group.map((clip) => excerptOf(earshot, tools, media.get(clip), signal)));
      for (const [place, excerpt] of taken.entries()) {
        if (excerpt === null) continue;
        const size = (excerpt.image?.uri.length ?? 0) + (excerpt.sound?.length ?? 0);
        if (characters + size > MOST_CHARACTERS) {
          leftOut += 1;
          continue;
        }
        characters += size;
        excerpts.set(group[place]!, excerpt);
      }
    }
  } finally {
    bar?.stop();
  }
  if (leftOut > 0) out.complain(`${leftOut} clips have no picture and player: the report would exceed 15 MB.`);
  return excerpts;
}

/** The files of clips, found as the evaluation found them. */
async function mediaOf(earshot: Earshot, { order }: CompletedEvaluation): Promise<Map<string, ResolvedMedia>> {
  const { source, dataset: benchmark, split } = order;
  if (source.kind === "features") return new Map();
  const captions = source.kind === "index" ? source.captions : (source.captions ?? source.path);
  const dataset = await openDataset({ benchmark, captions, split });
  try {
    const files =
      source.kind === "index" ? await filesOfVideos(earshot, dataset.clips) : await resolveMedia(dataset, source.path);
    return new Map(dataset.clips.flatMap(({ id }, place) => (files[place] ? [[id, files[place]]] : [])));
  } finally {
    await dataset.close();
  }
}

/** The files of indexed videos, where they lie inside a media root. */
async function filesOfVideos(earshot: Earshot, clips: readonly DatasetClip[]): Promise<(ResolvedMedia | null)[]> {
  const { catalog, live } = earshot;
  const found = await live.use(({ pack }) => findIndexedClips(catalog, DEFAULT_TENANT, pack.id, clips));
  return Promise.all(
    found.map(async (indexed) => {
      const video = indexed === null ? null : await catalog.videos.find(DEFAULT_TENANT, indexed.id);
      const file = video === null ? null : await earshot.mediaFile(video);
      return file === null ? null : { file, startSeconds: null, endSeconds: null };
    }),
  );
}

async function excerptOf(
  { options }: Earshot,
  tools: FfmpegTools,
  media: ResolvedMedia | undefined,
  signal?: AbortSignal,
): Promise<ClipExcerpt | null> {
  if (media === undefined) return null;
  const { file, startSeconds, endSeconds } = media;
  try {
    const excerpt = await takeExcerpt(tools, file, {
      ...{ startSeconds, endSeconds },
      audioTrack: options.audioTrack,
      temporaryDirectory: options.temporaryDirectory,
      probeTimeoutSeconds: options.limits.probeTimeoutSeconds,
      ...(signal === undefined ? {} : { signal }),
    });
    return { image: imageOf(excerpt), sound: dataUri("audio/mp4", excerpt.sound) };
  } catch (error) {
    if (error instanceof EarshotError) return null;
    throw error;
  }
}

function imageOf({ frame, wave }: MediaExcerpt): ClipExcerpt["image"] {
  const uri = dataUri("image/jpeg", frame);
  if (uri !== null) return { kind: "frame", uri };
  const drawn = dataUri("image/png", wave);
  return drawn === null ? null : { kind: "wave", uri: drawn };
}

function dataUri(type: string, bytes: Buffer | null): string | null {
  return bytes === null ? null : `data:${type};base64,${bytes.toString("base64")}`;
}
