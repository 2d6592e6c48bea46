import { EventEmitter } from "node:events";
import path from "node:path";
import {
  ingestPriorities,
  type CatalogTransaction,
  type IngestJobRecord,
  type IngestOrder,
  type VideoRecord,
} from "../catalog/index.js";
import { JobNotFoundError, JobNotRetryableError, VideoNotFoundError } from "../errors.js";
import { nextUpdate, type QueueStatus, type StopOptions } from "../queue/index.js";
import { currentTraceparent } from "../telemetry/index.js";
import type { PendingWrite } from "../vectors/index.js";
import { updateOf, type IngestEvents, type JobUpdate } from "./events.js";
import { openSource, resolveSource } from "./sources.js";
import { checkDescription, type IngestInput } from "./submission.js";
import { IngestWorker, type IngestWorkerParts } from "./worker.js";

/** Names a video by exactly one of its ids. */
export type VideoKey = { id: string; externalId?: undefined } | { id?: undefined; externalId: string };

/** A job to be queued, and of which video. */
interface Submission {
  tenant: string;
  /** The video, if it is known and still there; otherwise that of the external id, or a new one. */
  videoId?: string | null;
  externalId: string | null;
  order: IngestOrder;
  priority: number;
  requestId: string | null;
  /** A job that is tried again by this one. */
  unbury?: string;
}

/** Makes videos searchable, and removes them again. */
export class IngestService {
  /** What happens to the jobs of this process; for progress bars and subscriptions. */
  readonly events = new EventEmitter<IngestEvents>();
  private readonly worker: IngestWorker;

  constructor(private readonly parts: IngestWorkerParts) {
    this.worker = new IngestWorker(parts, this.events);
    // Every open subscription listens.
    this.events.setMaxListeners(0);
  }

  /**
   * Queues a video and returns at once. A job of the same video that still waits is cancelled; one that runs
   * goes on, and this one follows it.
   *
   * @throws InvalidVideoInputError, OneArgumentNeededError, SourceUrlUnsupportedError, SourceOutsideRootsError,
   *   SourceNotFoundError, SourceIsDirectoryError, SourceNotAFileError, SourceNotReadableError, CatalogBusyError,
   *   CatalogWriteError
   */
  async submit(input: IngestInput, tenant: string): Promise<IngestJobRecord> {
    const { title, metadata, externalId, priority, requestId } = checkDescription(input);
    const source = await resolveSource(input.source, this.parts.options.mediaRoots);
    const order: IngestOrder = { source, title, metadata };
    return this.queue({ tenant, externalId, order, priority: ingestPriorities[priority], requestId });
  }

  /**
   * Queues again what a job that failed or was cancelled was asked to do, as a new job with all its attempts and the same
   * priority, of the same video if that is still there. The file is looked for once more, in the media roots of this process.
   *
   * @throws JobNotFoundError, JobNotRetryableError, SourceOutsideRootsError, SourceNotFoundError, SourceIsDirectoryError,
   *   SourceNotAFileError, SourceNotReadableError, CatalogBusyError, CatalogWriteError
   */
  async retry(tenant: string, jobId: string, requestId: string | null = null): Promise<IngestJobRecord> {
    const { catalog, options } = this.parts;
    const failed = await catalog.jobs.find(tenant, jobId);
    if (failed === null) throw new JobNotFoundError("There is no such ingest job.", { field: "id" });
    if (failed.state !== "FAILED" && failed.state !== "CANCELLED") {
      throw new JobNotRetryableError("Only a job that failed or was cancelled can be tried again.", { field: "id" });
    }
    const { title, metadata } = failed.order;
    const { externalId, priority, videoId } = failed;
    const order: IngestOrder = {
      source: await resolveSource(failed.order.source, options.mediaRoots),
      title,
      metadata,
    };
    return this.queue({ tenant, externalId, order, priority, requestId, videoId, unbury: jobId });
  }

  /**
   * Cancels a job that waits or runs; one that has ended is left as it is.
   *
   * @returns the job as it stands now
   * @throws JobNotFoundError when the tenant has no such job
   */
  async cancel(tenant: string, jobId: string): Promise<IngestJobRecord> {
    const { catalog } = this.parts;
    const cancelled = await catalog.transaction(async (tx) => {
      const job = await catalog.jobs.cancel(tx, tenant, jobId);
      if (job?.videoId) await catalog.videos.deleteAbandoned(tx, job.videoId);
      return job !== null;
    });
    const job = await catalog.jobs.find(tenant, jobId);
    if (job === null) throw new JobNotFoundError("There is no such ingest job.", { field: "id" });
    if (cancelled) {
      this.worker.interrupt(jobId);
      this.events.emit("job", updateOf(job));
    }
    return job;
  }

  /**
   * Queues a video again from its stored source, behind everything else. Does nothing while a job of it waits or runs.
   *
   * @returns false when the video has been deleted
   * @throws SourceNotFoundError, SourceIsDirectoryError, SourceNotAFileError, SourceNotReadableError, CatalogBusyError,
   *   CatalogWriteError
   */
  async ingestAgain(video: VideoRecord, requestId: string | null): Promise<boolean> {
    const { catalog, options } = this.parts;
    const { id: videoId, tenant } = video;
    if (await catalog.jobs.isUnderWay(videoId)) return true;
    await openSource(video.source);
    const { maxAttempts } = options.ingest;
    const priority = ingestPriorities.LOW;
    const { isThere, job } = await catalog.transaction(async (tx) => {
      // Somebody may have submitted it anew meanwhile, with another title or file.
      const found = await catalog.videos.find(tenant, videoId, tx);
      if (found === null || (await catalog.jobs.isUnderWay(videoId, tx))) return { isThere: found !== null, job: null };
      const { externalId, source, title, metadata } = found;
      const order: IngestOrder = { source, title, metadata };
      const again = { tenant, videoId, externalId, order, maxAttempts, priority, requestId };
      return { isThere: true, job: await catalog.jobs.create(tx, again) };
    });
    if (job === null) return isThere;
    this.events.emit("job", updateOf(job));
    this.worker.wake();
    return true;
  }

  /**
   * Removes a video with its segments and vectors, and cancels its jobs. The media file is left alone.
   *
   * @returns the video as it was
   * @throws VideoNotFoundError when the tenant has no such video
   */
  async deleteVideo(tenant: string, key: VideoKey): Promise<VideoRecord> {
    const { catalog, vectors, logger } = this.parts;
    const { video, jobs, writes } = await catalog.transaction(async (tx) => {
      const found = await this.findVideo(tx, tenant, key);
      const jobs = await catalog.jobs.cancelAllOfVideo(tx, found);
      const writes: PendingWrite[] = [];
      for (const indexId of await catalog.indexedVideos.indexesOf(tx, found.id))
        writes.push(await vectors.deleteVideo(indexId, found.id, tx));
      await catalog.videos.delete(tx, tenant, found.id);
      return { video: found, jobs, writes };
    });
    for (const job of jobs) {
      this.worker.interrupt(job.id);
      this.events.emit("job", updateOf(job, { videoId: null }));
    }
    for (const write of writes) {
      await write.publish().catch((error: unknown) => {
        // No search finds the video from the commit on; the upkeep removes what the engine still holds of it.
        logger.warn({ err: error, videoId: video.id }, "the vectors of a deleted video are still to be removed");
      });
    }
    return video;
  }

  /**
   * Waits until a job has ended, in whatever way and process.
   *
   * @throws JobNotFoundError when the tenant has no such job, and the signal's reason when aborted
   */
  async waitFor(tenant: string, jobId: string, signal?: AbortSignal): Promise<IngestJobRecord> {
    for (;;) {
      signal?.throwIfAborted();
      const poll = this.parts.options.ingest.pollSeconds * 1000;
      const fits = (update: unknown) => (update as JobUpdate).jobId === jobId;
      const changed = nextUpdate(this.events, "job", fits, poll, signal);
      const job = await this.parts.catalog.jobs.find(tenant, jobId);
      if (job === null) throw new JobNotFoundError("There is no such ingest job.", { field: "id" });
      if (job.state !== "PENDING" && job.state !== "RUNNING") return job;
      await changed;
    }
  }

  /**
   * Begins to work on jobs, those first which an earlier process left unfinished.
   *
   * @throws FfmpegNotFoundError
   */
  start(): Promise<void> {
    return this.worker.start();
  }

  /** How the work stands; null when this process does not work on jobs. */
  status(): QueueStatus | null {
    return this.worker.status();
  }

  /** There are new jobs. Does nothing when not started. */
  wake(): void {
    this.worker.wake();
  }

  /** Ends the work on a job whose row was cancelled before, if this process works on it. */
  interrupt(jobId: string): void {
    this.worker.interrupt(jobId);
  }

  /** Takes no more jobs, gives the running ones back, at once or after a while, and ends. Does nothing when not started. */
  stop(options?: StopOptions): Promise<void> {
    return this.worker.stop(options);
  }

  /** Queues a job in the place of those of the same video that wait. */
  private async queue(submission: Submission): Promise<IngestJobRecord> {
    const { catalog, options } = this.parts;
    const { tenant, externalId, order, priority, requestId, unbury } = submission;
    const { maxAttempts } = options.ingest;
    const { job, overtaken } = await catalog.transaction(async (tx) => {
      const { id: videoId } = await this.findOrCreateVideo(tx, submission);
      const overtaken = await catalog.jobs.cancelWaitingOfVideo(tx, videoId);
      const traceparent = currentTraceparent();
      const traced = traceparent === null ? order : { ...order, traceparent };
      const queued = { tenant, videoId, externalId, order: traced, priority, maxAttempts, requestId };
      const job = await catalog.jobs.create(tx, queued);
      if (unbury !== undefined) await catalog.jobs.unbury(tx, unbury);
      return { job, overtaken };
    });
    for (const cancelled of overtaken) this.events.emit("job", updateOf(cancelled));
    this.events.emit("job", updateOf(job));
    this.worker.wake();
    return job;
  }

  private async findOrCreateVideo(
    tx: CatalogTransaction,
    { tenant, videoId = null, externalId, order }: Submission,
  ): Promise<VideoRecord> {
    const { videos } = this.parts.catalog;
    const details = { ...order, sourceName: path.basename(order.source.path) };
    const named = videoId === null ? null : await videos.find(tenant, videoId, tx);
    const known = named ?? (externalId === null ? null : await videos.findByExternalId(tenant, externalId, tx));
    if (known === null) return videos.create(tx, { ...details, tenant, externalId });
    // An indexed video keeps what belongs to its segments until they are replaced.
    if (known.state === "PENDING") await videos.describe(tx, known.id, details);
    return known;
  }

  private async findVideo(tx: CatalogTransaction, tenant: string, key: VideoKey): Promise<VideoRecord> {
    const { videos } = this.parts.catalog;
    const video =
      key.id === undefined
        ? await videos.findByExternalId(tenant, key.externalId, tx)
        : await videos.find(tenant, key.id, tx);
    if (video !== null) return video;
    throw new VideoNotFoundError("There is no such video.", { field: key.id === undefined ? "externalId" : "id" });
  }
}

/** Makes the ingest service; it works on jobs from `start()` on. */
export function createIngestService(parts: IngestWorkerParts): IngestService {
  return new IngestService(parts);
}
