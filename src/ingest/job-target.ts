import path from "node:path";
import type { Catalog, CatalogTransaction, IngestJobRecord, MediaSource } from "../catalog/index.js";
import type { BorrowedRuntime } from "../encoding/index.js";
import type { LiveIndex } from "../indexes/index.js";
import { JobInterruption } from "../queue/index.js";

/** What a job reads, with which models, and what it does to its video. */
export interface JobTarget {
  /** The models whose index is filled; to be released. */
  runtime: BorrowedRuntime;
  source: MediaSource;
  /**
   * In the transaction that commits: writes what becomes of the video itself.
   *
   * @returns the version of the media that the segments come from
   * @throws TargetChanged, JobInterruption
   */
  readonly writeVideo: (tx: CatalogTransaction, durationSeconds: number) => Promise<Date>;
  /** After a failure: whether the job would do something else now. */
  readonly hasChanged: () => Promise<boolean>;
}

/** Thrown out of the transaction that would commit what is no longer wanted: the job has to start again. */
export class TargetChanged extends Error {}

/** What targets are found with. */
export interface TargetParts {
  catalog: Catalog;
  live: LiveIndex;
}

/**
 * What a job is to do as things stand now.
 *
 * @throws LivePackMissingError, PackElsewhereError, the errors of model packs and models, JobInterruption
 */
export function targetOf(parts: TargetParts, job: IngestJobRecord): Promise<JobTarget> {
  return job.reindexId === null ? libraryTarget(parts, job) : reindexTarget(parts, job, job.reindexId);
}

/** The index in use is filled, and the video becomes what its order says. */
async function libraryTarget({ catalog, live }: TargetParts, job: IngestJobRecord): Promise<JobTarget> {
  const { videoId, order } = job;
  const runtime = await live.borrowForIngest();
  return {
    runtime,
    source: order.source,
    writeVideo: async (tx, durationSeconds) => {
      // What searches no longer use must not be filled: the video would be lost to them.
      if (!(await live.accepts(tx, runtime.pack.id))) throw new TargetChanged();
      const indexedAt = new Date();
      const sourceName = path.basename(order.source.path);
      const { source, title, metadata } = order;
      const details = { source, title, metadata, sourceName, durationSeconds, indexedAt };
      if (videoId === null || !(await catalog.videos.markIndexed(tx, videoId, details)))
        throw new JobInterruption("lost");
      await catalog.reindexes.forgetFailuresOfVideo(tx, videoId);
      return indexedAt;
    },
    // The index may have been changed for another one, and dropped.
    hasChanged: async () => !(await live.isFilled(runtime.pack.id)),
  };
}

/** The index of a re-index is filled from the media that the video has now; the video itself stays as it is. */
async function reindexTarget(
  { catalog, live }: TargetParts,
  { tenant, videoId }: IngestJobRecord,
  reindexId: string,
): Promise<JobTarget> {
  const find = async (tx?: CatalogTransaction) => {
    const video = videoId === null ? null : await catalog.videos.find(tenant, videoId, tx);
    const version = video?.indexedAt ?? null;
    if (video === null || version === null) throw new JobInterruption("lost");
    return { source: video.source, version };
  };
  const reindex = await catalog.reindexes.find(reindexId);
  if (reindex === null) throw new JobInterruption("lost");
  const { source, version } = await find();
  return {
    runtime: await live.borrowPackOf(reindex.indexId),
    source,
    writeVideo: async (tx) => {
      if ((await find(tx)).version.getTime() !== version.getTime()) throw new TargetChanged();
      return version;
    },
    hasChanged: async () => (await find()).version.getTime() !== version.getTime(),
  };
}
