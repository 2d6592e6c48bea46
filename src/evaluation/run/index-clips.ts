import path from "node:path";
import type { Catalog, IndexedVideoRecord, MissingClips } from "../../catalog/index.js";
import { EvaluationLibraryChangedError } from "../../errors.js";
import { MEDIA_FILE_NAME } from "../../media/index.js";
import { MissingClipCount } from "../clips/index.js";
import type { DatasetClip, EvaluationDataset } from "../datasets/index.js";

/** The indexed video that is a clip. */
export type IndexedClip = IndexedVideoRecord;

/** Videos that are counted by one statement. */
const COUNT_SIZE = 5000;

/**
 * Finds the tenant's indexed video of every clip. Its external id is the clip's id, or one of its media names; else, its
 * external id is such a name behind folders and before the suffix of a media file. Exact ids come first, and no video is
 * taken twice. Names of a longer file, of which the clip is a part, do not count.
 *
 * @param indexId videos without segments in that index do not count
 * @returns in the order of the clips; null where there is none
 */
export async function findIndexedClips(
  catalog: Catalog,
  tenant: string,
  indexId: string,
  clips: readonly DatasetClip[],
): Promise<(IndexedClip | null)[]> {
  const videos = await withSegments(catalog, indexId, await catalog.videos.indexed(tenant));
  const found = new Array<IndexedClip | null>(clips.length).fill(null);
  const taken = new Set<IndexedClip>();
  for (const keyOf of [(id: string) => id, plainName]) {
    const byKey = new Map<string, IndexedClip>();
    for (const video of videos) {
      const key = keyOf(video.externalId);
      if (!taken.has(video) && !byKey.has(key)) byKey.set(key, video);
    }
    clips.forEach((clip, place) => {
      if (found[place] !== null) return;
      const video = namesOf(clip).flatMap((name) => byKey.get(keyOf(name)) ?? [])[0];
      if (video === undefined || taken.has(video)) return;
      taken.add(video);
      found[place] = video;
    });
  }
  return found;
}

/** The clips that are ranked, by their places in the data set, and those that are not. */
export function indexedPool(
  { clips, relevance }: EvaluationDataset,
  found: readonly (IndexedClip | null)[],
): { pool: Uint32Array; missing: MissingClips } {
  const missing = new MissingClipCount();
  const pool: number[] = [];
  clips.forEach(({ id, captions }, place) => {
    if (captions.length === 0 && relevance.length === 0) missing.add("withoutCaption", id, "It has no caption.");
    else if (found[place] === null) missing.add("notFound", id, "No indexed video has its id as external id.");
    else pool.push(place);
  });
  return { pool: Uint32Array.from(pool), missing: missing.value };
}

/**
 * Makes sure that the videos are still those that were found: figures must not be of two states of a library.
 *
 * @throws EvaluationLibraryChangedError
 */
export async function checkUnchanged(catalog: Catalog, tenant: string, clips: readonly IndexedClip[]): Promise<void> {
  const now = new Map((await catalog.videos.indexed(tenant)).map((video) => [video.id, video.indexedAt?.getTime()]));
  if (clips.every(({ id, indexedAt }) => now.get(id) === indexedAt?.getTime())) return;
  throw new EvaluationLibraryChangedError(
    "Videos of the data set were ingested again or deleted while they were measured. The evaluation begins anew.",
  );
}

async function withSegments(
  catalog: Catalog,
  indexId: string,
  videos: readonly IndexedVideoRecord[],
): Promise<IndexedVideoRecord[]> {
  const kept: IndexedVideoRecord[] = [];
  for (let first = 0; first < videos.length; first += COUNT_SIZE) {
    const some = videos.slice(first, first + COUNT_SIZE);
    const ids = some.map(({ id }) => id);
    const counts = await catalog.segments.countByVideo(indexId, ids);
    kept.push(...some.filter(({ id }) => counts.has(id)));
  }
  return kept;
}

/** What the media of a clip, all of them, may be called. */
function namesOf({ id, media }: DatasetClip): string[] {
  const whole = media.filter(({ startSeconds, endSeconds }) => startSeconds === null && endSeconds === null);
  return [id, ...whole.map(({ name }) => name)];
}

/** A name without folders and without the suffix of a media file. */
function plainName(name: string): string {
  const base = path.posix.basename(name);
  return MEDIA_FILE_NAME.test(base) ? path.posix.parse(base).name : base;
}
