import type { Catalog, IndexedVideoContents, VideoRecord } from "../catalog/index.js";
import type { Logger } from "../config/index.js";
import { EarshotError } from "../errors.js";
import type { LiveIndex } from "../indexes/index.js";
import { MOST_VIDEOS, type HeldGeneration, type VectorIndex } from "../vectors/index.js";
import type { IngestService } from "./service.js";

/** What a reconciliation works with. */
export interface ReconcilerParts {
  catalog: Catalog;
  vectors: VectorIndex;
  live: Pick<LiveIndex, "look" | "runtime">;
  ingest: Pick<IngestService, "ingestAgain">;
  logger: Logger;
}

/** What to compare, and what for. */
export interface ReconcileRequest {
  /** Id of the index; the one in use when left out. */
  indexId?: string;
  /** Only counts, and changes nothing. */
  dryRun: boolean;
  /** Id of the request, for the log and the jobs. */
  requestId: string | null;
  /** Ends it early; what was mended stays so. */
  signal?: AbortSignal;
}

/** A video whose vectors are missing, and which cannot be ingested again by itself. */
export interface UnmendedVideo {
  id: string;
  tenant: string;
  externalId: string | null;
  /** Code and message of what stands in the way. */
  code: string;
  message: string;
}

/** What a reconciliation found and did. */
export interface Reconciliation {
  indexId: string;
  dryRun: boolean;
  /** Videos that the catalog has in the index, and their segments. */
  videos: number;
  segments: number;
  /** Vectors that the engine holds. */
  points: number;
  /** Of them, those of writes that go on or whose dead vectors are about to be removed; left alone. */
  pendingPoints: number;
  /** Of them, those that nobody refers to; removed, unless it was a dry run. */
  orphanedPoints: number;
  /** Videos of which vectors are missing. */
  incompleteVideos: number;
  /** Of them, those that wait to be ingested again. */
  queuedVideos: number;
  /** Of them, those that cannot be. */
  unmendedVideos: number;
  /** The first of those. */
  unmended: UnmendedVideo[];
}

/** Unmended videos that are named; the log names all. */
const MOST_NAMED = 100;

/** The code for a video of an index that ingests do not fill. */
const INDEX_NOT_IN_USE = "INDEX_NOT_IN_USE";

/**
 * Compares what the catalog has in an index with what the vector engine holds, and mends what differs. The protocol of writes
 * repairs itself (see `VectorUpkeep`); this is for what no protocol foresees: a restored backup, a lost collection, a
 * hand in the data. Memory does not grow with the index, and ingests may go on meanwhile.
 */
export class IndexReconciler {
  constructor(private readonly parts: ReconcilerParts) {}

  /**
   * Compares and, unless it is a dry run, mends: vectors that nobody refers to are removed; videos whose vectors are
   * missing are queued to be ingested again, behind everything else.
   *
   * @throws VectorIndexNotFoundError, VectorIndexUnavailableError, and the signal's reason
   */
  async reconcile(request: ReconcileRequest): Promise<Reconciliation> {
    await this.parts.live.look();
    const inUse = this.parts.live.runtime.pack.id;
    const indexId = request.indexId ?? inUse;
    const found = new Findings(indexId, request.dryRun);
    await this.findOrphans(found, request);
    await this.findMissing(found, request, indexId === inUse);
    this.parts.logger.info(
      { ...found.result, requestId: request.requestId },
      "a vector index was compared with the catalog",
    );
    return found.result;
  }

  private async findOrphans({ result }: Findings, { dryRun, signal }: ReconcileRequest): Promise<void> {
    const { vectors } = this.parts;
    for await (const batch of vectors.contents(result.indexId)) {
      signal?.throwIfAborted();
      const states = await this.statesOf(result.indexId, batch);
      const orphaned = new Set<string>();
      for (const [i, { videoId, points }] of batch.entries()) {
        result.points += points;
        if (states[i] === "pending") result.pendingPoints += points;
        if (states[i] !== "orphaned") continue;
        orphaned.add(videoId);
        if (dryRun) result.orphanedPoints += points;
      }
      if (!dryRun && orphaned.size > 0)
        result.orphanedPoints += await this.removeOrphans(result.indexId, [...orphaned]);
    }
  }

  /** Counts first: a batch may have only some of a video's dead vectors, and those of later batches go as well. */
  private async removeOrphans(indexId: string, videoIds: readonly string[]): Promise<number> {
    const { vectors } = this.parts;
    let removed = 0;
    for (let from = 0; from < videoIds.length; from += MOST_VIDEOS) {
      const ids = videoIds.slice(from, from + MOST_VIDEOS);
      const held = await vectors.contentsOf(indexId, ids);
      const states = await this.statesOf(indexId, held);
      removed += held.reduce((sum, { points }, i) => sum + (states[i] === "orphaned" ? points : 0), 0);
      for (const id of ids) await vectors.sweepVideo(indexId, id);
    }
    return removed;
  }

  /**
   * What the catalog says of generations that the engine held before. In this order: what is committed between the two reads
   * is outstanding in the first or live in the second; and a generation that is dead once stays so.
   */
  private async statesOf(
    indexId: string,
    held: readonly HeldGeneration[],
  ): Promise<("live" | "pending" | "orphaned")[]> {
    const { vectorWrites, indexedVideos } = this.parts.catalog;
    const videoIds = [...new Set(held.map(({ videoId }) => videoId))];
    const outstanding = new Set<string>();
    for (const write of await vectorWrites.ofVideos(indexId, videoIds)) {
      if (write.state === "DROPPED") return held.map(() => "pending");
      // The upkeep removes all that is dead of a video, whichever of its writes is outstanding.
      outstanding.add(write.state === "STAGED" ? write.id : write.videoId);
    }
    const live = await indexedVideos.generations(indexId, videoIds);
    return held.map(({ videoId, generation }) => {
      if (live.get(videoId) === generation) return "live";
      return outstanding.has(generation) || outstanding.has(videoId) ? "pending" : "orphaned";
    });
  }

  private async findMissing(found: Findings, request: ReconcileRequest, inUse: boolean): Promise<void> {
    const { result } = found;
    for await (const page of this.parts.catalog.indexedVideos.read(result.indexId, MOST_VIDEOS)) {
      request.signal?.throwIfAborted();
      result.videos += page.length;
      result.segments += page.reduce((sum, { segmentCount }) => sum + segmentCount, 0);
      for (const video of await this.incompleteOf(result.indexId, page)) {
        result.incompleteVideos += 1;
        if (!request.dryRun) await this.mend(found, video, request.requestId, inUse);
      }
    }
  }

  /**
   * Videos of which vectors are missing. Twice, and only those that were not written meanwhile: a generation has all its
   * vectors from before its commit until it is replaced.
   */
  private async incompleteOf(indexId: string, page: readonly IndexedVideoContents[]): Promise<IndexedVideoContents[]> {
    let suspects = page;
    for (let look = 1; look <= 2 && suspects.length > 0; look++) {
      const held = await this.parts.vectors.contentsOf(
        indexId,
        suspects.map(({ videoId }) => videoId),
      );
      const points = new Map(held.map((entry) => [`${entry.videoId} ${entry.generation}`, entry.points]));
      suspects = suspects.filter(
        ({ videoId, generation, segmentCount }) => (points.get(`${videoId} ${generation}`) ?? 0) !== segmentCount,
      );
    }
    if (suspects.length === 0) return [];
    const live = await this.parts.catalog.indexedVideos.generations(
      indexId,
      suspects.map(({ videoId }) => videoId),
    );
    return suspects.filter(({ videoId, generation }) => live.get(videoId) === generation);
  }

  private async mend(
    found: Findings,
    { videoId, tenant }: IndexedVideoContents,
    requestId: string | null,
    inUse: boolean,
  ): Promise<void> {
    const { catalog, ingest } = this.parts;
    const video = await catalog.videos.find(tenant, videoId);
    // Deleted meanwhile.
    if (video === null) return;
    if (!inUse) {
      const message = "Ingests do not fill this index. Build it anew by a re-index, or drop it.";
      this.leave(found, video, { code: INDEX_NOT_IN_USE, message });
      return;
    }
    try {
      if (await ingest.ingestAgain(video, requestId)) found.result.queuedVideos += 1;
    } catch (error) {
      if (!(error instanceof EarshotError) || error.retryable) throw error;
      this.leave(found, video, error);
    }
  }

  private leave(found: Findings, video: VideoRecord, { code, message }: { code: string; message: string }): void {
    const { id, tenant, externalId } = video;
    const { indexId } = found.result;
    this.parts.logger.warn(
      { videoId: id, tenant, externalId, indexId, code },
      "vectors of a video are missing and stay so",
    );
    found.leave({ id, tenant, externalId, code, message });
  }
}

/** What was found so far. */
class Findings {
  readonly result: Reconciliation;

  constructor(indexId: string, dryRun: boolean) {
    this.result = {
      indexId,
      dryRun,
      videos: 0,
      segments: 0,
      points: 0,
      pendingPoints: 0,
      orphanedPoints: 0,
      incompleteVideos: 0,
      queuedVideos: 0,
      unmendedVideos: 0,
      unmended: [],
    };
  }

  leave(video: UnmendedVideo): void {
    this.result.unmendedVideos += 1;
    if (this.result.unmended.length < MOST_NAMED) this.result.unmended.push(video);
  }
}
