import { realpath } from "node:fs/promises";
import path from "node:path";
import type {
  Catalog,
  CatalogTransaction,
  NewReindex,
  ReindexFailure,
  ReindexProgress,
  ReindexRecord,
  ReindexState,
} from "../catalog/index.js";
import type { Logger, ResolvedOptions } from "../config/index.js";
import type { PackRuntimes } from "../encoding/index.js";
import {
  PackElsewhereError,
  PackNotFoundError,
  ReindexIncompleteError,
  ReindexNotFoundError,
  ReindexNotNeededError,
  ReindexStateError,
  ReindexUnderWayError,
} from "../errors.js";
import { createIndex, type LiveIndex } from "../indexes/index.js";
import { flatDimension, listPacks } from "../models/index.js";
import type { Rounds } from "../timing/index.js";
import type { VectorIndex } from "../vectors/index.js";
import type { JobUpdate } from "./events.js";
import { reindexRounds } from "./reindex-rounds.js";
import type { IngestService } from "./service.js";

/** What a re-index service works with. */
export interface ReindexServiceParts {
  catalog: Catalog;
  vectors: VectorIndex;
  live: LiveIndex;
  runtimes: PackRuntimes;
  options: ResolvedOptions;
  logger: Logger;
  /** Works on the jobs. */
  ingest: Pick<IngestService, "events" | "wake" | "interrupt">;
}

/** A re-index to begin. */
export interface ReindexInput {
  /** `name@version` of a pack in the configured places, or its folder there. */
  modelPack: string;
  /** Whether searches change over by themselves as soon as every video is in. @default true */
  swapAutomatically?: boolean;
  /** Id of the request, for the log. */
  requestId?: string | null;
}

/** Jobs of a re-index that wait at a time, over all processes. */
const MOST_WAITING = 100;

/** Builds indexes beside the one in use, and changes over to them. Everything concerns all tenants. */
export class ReindexService {
  private rounds: Rounds | undefined;
  private readonly onJob = ({ state }: JobUpdate): void => {
    if (state !== "PENDING" && state !== "RUNNING") this.rounds?.wake();
  };

  constructor(private readonly parts: ReindexServiceParts) {}

  /** Begins to keep the re-index that goes on supplied with jobs, whoever began it. */
  start(): void {
    if (this.rounds !== undefined) return;
    const { ingest, options, logger } = this.parts;
    this.rounds = reindexRounds(() => this.round(), options.ingest.pollSeconds, logger);
    ingest.events.on("job", this.onJob);
    this.rounds.start();
  }

  /** Ends; the re-index goes on where another process works on it, or with the next start. */
  async stop(): Promise<void> {
    this.parts.ingest.events.off("job", this.onJob);
    await this.rounds?.stop();
    this.rounds = undefined;
  }

  /**
   * Begins to put every video into the index of another model pack; searches go on with the one in use. An index that an
   * earlier re-index left half-built is completed.
   *
   * @throws PackNotFoundError, ReindexUnderWayError, ReindexNotNeededError, the errors of model packs, models, vector
   *   engine and catalog
   */
  async begin({ modelPack, swapAutomatically = true, requestId = null }: ReindexInput): Promise<ReindexRecord> {
    const { catalog, vectors, live, runtimes, logger } = this.parts;
    // Opened here, so that a damaged pack is told now rather than by every job.
    const runtime = await runtimes.borrow(await this.findPack(modelPack));
    try {
      const { id: indexId, manifest } = runtime.pack;
      const index = { id: indexId, dimension: flatDimension(manifest) };
      let reindex: ReindexRecord | null = null;
      // Once more when its removal has begun since it was made.
      while (reindex === null) {
        await createIndex({ catalog, vectors }, index);
        reindex = await this.create({ indexId, swapAutomatically, requestId });
      }
      // It may have been removed since; from here on nobody can.
      await vectors.create(index);
      logger.info({ reindexId: reindex.id, requestId, index: indexId, inUse: live.runtime.pack.id }, "re-index begun");
      await this.round();
      return await this.find(reindex.id);
    } finally {
      runtime.release();
    }
  }

  /** @returns null when the index is being removed */
  private create(reindex: Omit<NewReindex, "fromIndexId">): Promise<ReindexRecord | null> {
    const { catalog } = this.parts;
    const { indexId } = reindex;
    return catalog.transaction(async (tx) => {
      const other = await catalog.reindexes.unfinished(tx);
      if (other !== null) {
        throw new ReindexUnderWayError(
          `The index ${other.indexId} is being built. Wait for it, or cancel that re-index first.`,
        );
      }
      if ((await catalog.vectorWrites.findDropped(indexId, tx)) !== null) return null;
      const fromIndexId = await catalog.liveIndex.find(tx);
      if (fromIndexId === indexId && (await catalog.reindexes.countMissing(tx, indexId)) === 0) {
        throw new ReindexNotNeededError(`Searches use the index ${indexId} already, and every video is in it.`, {
          field: "modelPack",
        });
      }
      return catalog.reindexes.create(tx, { ...reindex, fromIndexId });
    });
  }

  /**
   * Stops a re-index for a while; videos that are being worked on are finished.
   *
   * @throws ReindexNotFoundError, ReindexStateError
   */
  pause(id: string): Promise<ReindexRecord> {
    const { reindexes } = this.parts.catalog;
    return this.change(id, ["RUNNING", "READY"], { state: "PAUSED" }, (tx) => reindexes.removeWaiting(tx, id));
  }

  /**
   * Goes on with a re-index that was paused, or tries the videos again that failed.
   *
   * @throws ReindexNotFoundError, ReindexStateError
   */
  async resume(id: string): Promise<ReindexRecord> {
    const { reindexes } = this.parts.catalog;
    const going = { state: "RUNNING", errorCode: null, errorMessage: null } as const;
    await this.change(id, ["PAUSED", "READY"], going, (tx) => reindexes.forgetFailures(tx, id));
    await this.round();
    return this.find(id);
  }

  /**
   * Ends a re-index. What is in its index already stays there until it is dropped, and is used again by the next one.
   *
   * @throws ReindexNotFoundError, ReindexStateError
   */
  async cancel(id: string): Promise<ReindexRecord> {
    const { catalog, ingest, logger } = this.parts;
    let cancelled: string[] = [];
    const change = { state: "CANCELLED", finishedAt: new Date() } as const;
    const reindex = await this.change(id, ["RUNNING", "PAUSED", "READY"], change, async (tx) => {
      cancelled = await catalog.reindexes.cancelJobs(tx, id);
    });
    for (const job of cancelled) ingest.interrupt(job);
    logger.info({ reindexId: id, index: reindex.indexId }, "re-index cancelled");
    return reindex;
  }

  /**
   * Changes searches and ingests over to the index of a re-index, in all processes at once.
   *
   * @param allowMissing also when videos are missing from it, which searches then no longer find
   * @throws ReindexNotFoundError, ReindexStateError, ReindexIncompleteError, PackElsewhereError
   */
  async swap(id: string, { allowMissing = false } = {}): Promise<ReindexRecord> {
    const { live } = this.parts;
    const { indexId } = await this.find(id);
    // Whoever changes over has to be able to search afterwards; and the first search should not have to wait.
    const runtime = await live.borrowPackOf(indexId);
    try {
      await live.prepare(indexId);
      return await this.changeOver(id, indexId, allowMissing);
    } finally {
      runtime.release();
    }
  }

  private async changeOver(id: string, indexId: string, allowMissing: boolean): Promise<ReindexRecord> {
    const { catalog, live, ingest, logger } = this.parts;
    let cancelled: string[] = [];
    let before: string | null = null;
    const change = { state: "COMPLETED", errorCode: null, errorMessage: null, finishedAt: new Date() } as const;
    const reindex = await this.change(id, ["RUNNING", "PAUSED", "READY"], change, async (tx) => {
      if ((await catalog.vectorWrites.findDropped(indexId, tx)) !== null) {
        throw new ReindexStateError(`The index ${indexId} is being removed.`, { field: "id" });
      }
      before = await catalog.liveIndex.find(tx);
      // The row first: an ingest that commits into the index before meets it there.
      await catalog.liveIndex.change(tx, before ?? indexId, indexId);
      const missing = await catalog.reindexes.countMissing(tx, indexId);
      if (missing > 0 && !allowMissing) {
        const videos = missing === 1 ? "1 video is" : `${missing} videos are`;
        throw new ReindexIncompleteError(
          `${videos} not in the index ${indexId} yet. Wait, or look at the failures of the re-index; to change over all ` +
            "the same, allow missing videos.",
        );
      }
      cancelled = await catalog.reindexes.cancelJobs(tx, id);
    });
    for (const job of cancelled) ingest.interrupt(job);
    logger.info({ reindexId: id, index: indexId, before }, "searches and ingests change over to the new index");
    // It is done, whatever keeps this process from following at once.
    await live.look().catch(() => undefined);
    return reindex;
  }

  /**
   * The re-index of that id.
   *
   * @throws ReindexNotFoundError
   */
  async find(id: string): Promise<ReindexRecord> {
    const reindex = await this.parts.catalog.reindexes.find(id);
    if (reindex === null) throw new ReindexNotFoundError("There is no such re-index.", { field: "id" });
    return reindex;
  }

  /** How far a re-index has come. */
  progress(reindex: ReindexRecord): Promise<ReindexProgress> {
    return this.parts.catalog.reindexes.progress(reindex);
  }

  /** The videos that a re-index could not put into its index, newest failure first. */
  failures(id: string, limit: number): Promise<ReindexFailure[]> {
    return this.parts.catalog.reindexes.failures(id, limit);
  }

  /**
   * Carries the re-index on that goes on, if there is one: queues jobs, and when every video is in, changes over or says
   * that it is ready. Any number of processes may do this.
   *
   * @returns the re-index
   */
  async round(): Promise<ReindexRecord | null> {
    const { catalog, options, ingest } = this.parts;
    for (;;) {
      const reindex = await catalog.reindexes.unfinished();
      if (reindex === null || reindex.state === "PAUSED") return reindex;
      const { queued, left, failed } = await catalog.reindexes.feed(reindex, MOST_WAITING, options.ingest.maxAttempts);
      if (queued > 0) ingest.wake();
      if (left === null) return reindex;
      if (left <= failed) return this.settle(reindex, left);
      // More came in while it was looked for.
    }
  }

  /** @param failed videos that are missing, all of which failed */
  private async settle(reindex: ReindexRecord, failed: number): Promise<ReindexRecord> {
    const { logger } = this.parts;
    const { id, indexId, state, errorCode, swapAutomatically } = reindex;
    try {
      if (failed === 0 && swapAutomatically) return await this.swap(id);
      const problem =
        failed === 0
          ? { errorCode: null, errorMessage: null }
          : {
              errorCode: "REINDEX_INCOMPLETE",
              errorMessage:
                `${failed === 1 ? "1 video" : `${failed} videos`} could not be indexed. Mend or delete them and resume, or ` +
                "swap with missing videos allowed.",
            };
      if (state === "READY" && errorCode === problem.errorCode) return reindex;
      logger.info({ reindexId: id, index: indexId, failed }, "a re-index has done what it can");
      return await this.change(id, ["RUNNING", "READY"], { state: "READY", ...problem });
    } catch (error) {
      // Another process was first or has to be, or a video came in: the next round looks again.
      const isPassing = [ReindexStateError, ReindexIncompleteError, PackElsewhereError].some(
        (kind) => error instanceof kind,
      );
      if (isPassing) return this.find(id);
      throw error;
    }
  }

  private async change(
    id: string,
    from: readonly ReindexState[],
    data: Parameters<Catalog["reindexes"]["change"]>[3],
    more: (tx: CatalogTransaction) => Promise<void> = () => Promise.resolve(),
  ): Promise<ReindexRecord> {
    const { catalog } = this.parts;
    return catalog.transaction(async (tx) => {
      const changed = await catalog.reindexes.change(tx, id, from, data);
      const reindex = await catalog.reindexes.find(id, tx);
      if (reindex === null) throw new ReindexNotFoundError("There is no such re-index.", { field: "id" });
      if (!changed) {
        throw new ReindexStateError(`The re-index is ${reindex.state.toLowerCase()}: that cannot be done now.`, {
          field: "id",
        });
      }
      await more(tx);
      return reindex;
    });
  }

  /** Folder of a pack in the configured places, by its id or its folder. */
  private async findPack(given: string): Promise<string> {
    const packs = await listPacks(this.parts.options);
    const folder = await realpath(path.resolve(given)).catch(() => null);
    for (const { id, directory } of packs) {
      if (id === given || (folder !== null && folder === (await realpath(directory)))) return directory;
    }
    const known = packs.map(({ id }) => id).join(", ");
    throw new PackNotFoundError(
      `There is no such model pack here. Put its folder into one of modelPackRoots; found there and in modelPack: ${known}.`,
      { field: "modelPack", detail: given },
    );
  }
}
