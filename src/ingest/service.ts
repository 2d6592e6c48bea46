import { EventEmitter } from "node:events";
import path from "node:path";
import {
  ingestPriorities,
  type Catalog,
  type CatalogTransaction,
  type IngestJobRecord,
  type IngestOrder,
  type IngestStage,
  type VideoRecord,
} from "../catalog/index.js";
import type { Logger, ResolvedOptions } from "../config/index.js";
import {
  CatalogDisconnectedError,
  type EarshotError,
  JobCrashedError,
  JobInternalError,
  JobNotFoundError,
  JobNotRetryableError,
  LivePackMissingError,
  ModelLoadFailedError,
  PackFileMissingError,
  PackNotFoundError,
  VectorIndexUnavailableError,
  VideoNotFoundError,
} from "../errors.js";
import { findFfmpeg, removeStaleFolders } from "../media/index.js";
import type { LiveIndex } from "../indexes/index.js";
import {
  createWorkerIdentity,
  JobQueue,
  nextUpdate,
  observedAttempt,
  type QueueStatus,
  type StopOptions,
} from "../queue/index.js";
import { currentTraceparent, observeNothing, type AttemptOutcome, type Observe } from "../telemetry/index.js";
import type { PendingWrite, VectorIndex } from "../vectors/index.js";
import { updateOf, type IngestEvents, type JobUpdate } from "./events.js";
import { IngestMemory } from "./memory.js";
import { runPipeline, type PipelineParts, type ProgressListener } from "./pipeline.js";
import { openInRoots, openSource, resolveSource } from "./sources.js";
import { checkDescription, type IngestInput, type VideoDescription } from "./submission.js";

/** What an ingest service works with. */
export interface IngestServiceParts {
  catalog: Catalog;
  vectors: VectorIndex;
  live: LiveIndex;
  options: ResolvedOptions;
  logger: Logger;
  /** Told of stages and attempts. @default nobody */
  observe?: Observe;
}

/** Names a video by exactly one of its ids. */
export type VideoKey = { id: string; externalId?: undefined } | { id?: undefined; externalId: string };

/** Makes videos searchable, and removes them again. */
export class IngestService {
  /** What happens to the jobs of this process; for progress bars and subscriptions. */
  readonly events = new EventEmitter<IngestEvents>();
  private queue: JobQueue<IngestJobRecord, IngestStage> | undefined;

  constructor(private readonly parts: IngestServiceParts) {
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
    const { catalog, options } = this.parts;
    const description = checkDescription(input);
    const source = await resolveSource(input.source, options.mediaRoots);
    const { title, metadata, externalId, priority, requestId } = description;
    const order: IngestOrder = { source, title, metadata };
    const { job, overtaken } = await catalog.transaction(async (tx) => {
      const video = await this.findOrCreateVideo(tx, tenant, description, order);
      const overtaken = await catalog.jobs.cancelWaitingOfVideo(tx, video.id);
      const { maxAttempts } = options.ingest;
      const traceparent = currentTraceparent();
      const job = await catalog.jobs.create(tx, {
        tenant,
        videoId: video.id,
        externalId,
        order: traceparent === null ? order : { ...order, traceparent },
        priority: ingestPriorities[priority],
        maxAttempts,
        requestId,
      });
      return { job, overtaken };
    });
    for (const cancelled of overtaken) this.events.emit("job", updateOf(cancelled));
    this.events.emit("job", updateOf(job));
    this.queue?.wake();
    return job;
  }

  /**
   * Queues again what a job that failed or was cancelled was asked to do, as a new job with all its attempts. The file is
   * looked for once more, in the media roots of this process.
   *
   * @throws JobNotFoundError, JobNotRetryableError, SourceOutsideRootsError, SourceNotFoundError, SourceIsDirectoryError,
   *   SourceNotAFileError, SourceNotReadableError, CatalogBusyError, CatalogWriteError
   */
  async retry(tenant: string, jobId: string, requestId: string | null = null): Promise<IngestJobRecord> {
    const { catalog } = this.parts;
    const failed = await catalog.jobs.find(tenant, jobId);
    if (failed === null) throw new JobNotFoundError("There is no such ingest job.", { field: "id" });
    if (failed.state !== "FAILED" && failed.state !== "CANCELLED") {
      throw new JobNotRetryableError("Only a job that failed or was cancelled can be tried again.", { field: "id" });
    }
    const { source, title, metadata } = failed.order;
    const { externalId } = failed;
    const job = await this.submit({ source, title, metadata, externalId, requestId }, tenant);
    await catalog.transaction((tx) => catalog.jobs.unbury(tx, jobId));
    return job;
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
      this.queue?.interrupt(jobId);
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
    const { id: videoId, tenant, externalId, source, title, metadata } = video;
    const latest = (await catalog.jobs.latestOfVideos(tenant, [videoId])).get(videoId);
    if (latest?.state === "PENDING" || latest?.state === "RUNNING") return true;
    await openSource(source);
    const { maxAttempts } = options.ingest;
    const order: IngestOrder = { source, title, metadata };
    const priority = ingestPriorities.LOW;
    const job = await catalog.transaction(async (tx) => {
      if ((await catalog.videos.find(tenant, videoId, tx)) === null) return null;
      return catalog.jobs.create(tx, { tenant, videoId, externalId, order, maxAttempts, priority, requestId });
    });
    if (job === null) return false;
    this.events.emit("job", updateOf(job));
    this.queue?.wake();
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
      const jobs = await catalog.jobs.cancelAllOfVideo(tx, found.id);
      const writes: PendingWrite[] = [];
      for (const indexId of await catalog.indexedVideos.indexesOf(tx, found.id))
        writes.push(await vectors.deleteVideo(indexId, found.id, tx));
      await catalog.videos.delete(tx, tenant, found.id);
      return { video: found, jobs, writes };
    });
    for (const job of jobs) {
      this.queue?.interrupt(job.id);
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
  async start(): Promise<void> {
    if (this.queue !== undefined) return;
    const { catalog, live, options, logger } = this.parts;
    const tools = await findFfmpeg(options, logger);
    await removeStaleFolders(options.temporaryDirectory);
    const memory = new IngestMemory(() => live.runtime.pack, options, logger);
    const queue = new JobQueue<IngestJobRecord, IngestStage>({
      name: "ingest job",
      rows: catalog.jobs,
      options: options.ingest,
      logger,
      worker: createWorkerIdentity(),
      work: async (job, ...rest) => {
        memory.taken(job.id);
        try {
          const onMedia = memory.measured.bind(memory, job.id);
          await this.work({ ...this.parts, tools, onMedia }, job, ...rest);
        } finally {
          memory.ended(job.id);
        }
      },
      giveUp: (job, workerId, failure) => this.giveUp(job, workerId, failure),
      crashed,
      unforeseen,
      // A pack that cannot be read now, e.g. for a volume that is away, is no job's fault.
      outages: [LivePackMissingError, PackNotFoundError, PackFileMissingError, ModelLoadFailedError],
      check: () => this.check(),
      hasRoom: () => memory.hasRoom(),
      onUpdate: (job, change) => this.events.emit("job", updateOf(job, change)),
      onStuck: () => this.events.emit("stuck"),
    });
    this.queue = queue;
    queue.start();
  }

  /** How the work stands; null when this process does not work on jobs. */
  status(): QueueStatus | null {
    return this.queue?.status() ?? null;
  }

  /** There are new jobs. Does nothing when not started. */
  wake(): void {
    this.queue?.wake();
  }

  /** Ends the work on a job whose row was cancelled before, if this process works on it. */
  interrupt(jobId: string): void {
    this.queue?.interrupt(jobId);
  }

  /** Takes no more jobs, gives the running ones back, at once or after a while, and ends. Does nothing when not started. */
  async stop(options?: StopOptions): Promise<void> {
    await this.queue?.stop(options);
    this.queue = undefined;
  }

  /** Throws what is away that every job needs. */
  private async check(): Promise<void> {
    const { catalog, vectors } = this.parts;
    const database = await catalog.health();
    if (!database.ok) throw new CatalogDisconnectedError(database.message ?? "The database does not answer.");
    const index = await vectors.health();
    if (!index.ok) throw new VectorIndexUnavailableError(index.message ?? "The vector engine does not answer.");
  }

  private work(
    parts: PipelineParts,
    job: IngestJobRecord,
    workerId: string,
    onProgress: ProgressListener,
    signal: AbortSignal,
  ): Promise<void> {
    const { observe = observeNothing } = this.parts;
    let mediaSeconds = 0;
    const listener = {
      onStage: (stage: string, seconds: number) => observe({ kind: "ingest-stage", stage, seconds }),
      onEnd: (outcome: AttemptOutcome, seconds: number) =>
        observe({ kind: "ingest-attempt", outcome, seconds, ...(outcome === "completed" ? { mediaSeconds } : {}) }),
    };
    const attempt = { job, span: "ingest", parent: job.order.traceparent, onProgress, signal };
    return observedAttempt(attempt, listener, async (tell) => {
      mediaSeconds = await runPipeline(parts, job, workerId, tell, signal);
    });
  }

  /** Ends a job as failed; a video that was never indexed goes with it. */
  private giveUp(job: IngestJobRecord, workerId: string, failure: EarshotError): Promise<void> {
    const { catalog } = this.parts;
    return catalog.transaction(async (tx) => {
      const held = await catalog.jobs.fail(tx, job.id, workerId, failure);
      if (!held) return;
      // Another attempt might succeed, elsewhere or later: someone should look at it.
      if (failure.retryable || failure instanceof JobCrashedError) await catalog.jobs.bury(tx, job, failure.code);
      if (job.videoId !== null) await catalog.videos.deleteAbandoned(tx, job.videoId);
    });
  }

  private async findOrCreateVideo(
    tx: CatalogTransaction,
    tenant: string,
    { externalId }: VideoDescription,
    order: IngestOrder,
  ): Promise<VideoRecord> {
    const { videos } = this.parts.catalog;
    const details = { ...order, sourceName: path.basename(order.source.path) };
    const known = externalId === null ? null : await videos.findByExternalId(tenant, externalId, tx);
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
export function createIngestService(parts: IngestServiceParts): IngestService {
  return new IngestService(parts);
}

function crashed(): JobCrashedError {
  return new JobCrashedError(
    "The process ended while it worked on this video, at each attempt. The file may be too large or harmful for this server.",
  );
}

function unforeseen(cause: unknown): JobInternalError {
  return new JobInternalError(
    "The video could not be ingested because of an internal error. The server's log says more.",
    { detail: String(cause), cause },
  );
}

/** Real path of a video's media file, when it can be read and lies inside a media root now; null otherwise. */
export async function mediaFileInRoots(
  video: Pick<VideoRecord, "source">,
  mediaRoots: readonly string[],
): Promise<string | null> {
  try {
    return (await openInRoots(video.source.path, mediaRoots)).path;
  } catch {
    return null;
  }
}
