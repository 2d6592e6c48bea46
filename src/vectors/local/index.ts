import { newId, type CatalogTransaction, type VideoVectors } from "../../catalog/index.js";
import { VectorIndexNotFoundError, VectorIndexUnavailableError } from "../../errors.js";
import { WorkerLostError, WorkerRequestError } from "../../models/worker-thread.js";
import { checkPoint, checkVector, otherDimension } from "../checks.js";
import type {
  HeldGeneration,
  IndexDescription,
  IndexInfo,
  PatternQuery,
  PendingWrite,
  StagedVideo,
  VectorFilter,
  VectorHealth,
  VectorHit,
  VectorIndex,
  VectorPoint,
  VideoHit,
  VideoPage,
} from "../index.js";
import { IndexReplaced, VectorMemory, type VectorRowsSource } from "./vector-memory.js";

/** Segments from which on another engine than this one is advised. */
const MANY_SEGMENTS = 300_000;

/** The part of a logger that is used; a pino logger fits. */
export interface VectorLogger {
  debug(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/**
 * Opens the local engine.
 *
 * The rows in the catalog are the truth and are written in the caller's transaction; a thread holds a copy of them
 * and searches it. Before each query the copy takes over what has been committed in the meantime, by this process
 * or another one with the same database; so a write may be visible from its commit on, and is after `publish()`.
 */
export function createLocalVectorIndex(catalog: VectorRowsSource, logger: VectorLogger): Promise<VectorIndex> {
  return Promise.resolve(new CatalogVectorIndex(catalog, logger));
}

class CatalogVectorIndex implements VectorIndex {
  readonly writeSeconds = 0;
  private memory: VectorMemory | undefined;
  private closed = false;
  private readonly dimensions = new Map<string, number>();

  constructor(
    private readonly catalog: VectorRowsSource,
    private readonly logger: VectorLogger,
  ) {}

  async create({ id, dimension }: IndexDescription): Promise<void> {
    await this.catalog.vectors.createIndex({ id, dimension });
    const found = await this.readDimension(id);
    if (found !== dimension) throw otherDimension(id, found, dimension);
  }

  async drop(id: string): Promise<void> {
    await this.catalog.vectors.dropIndex(id);
    this.dimensions.delete(id);
    await this.memory?.drop(id);
  }

  async list(): Promise<IndexInfo[]> {
    const indexes = await this.catalog.vectors.indexes();
    return Promise.all(
      indexes.map(async (index) => {
        // An index that nobody searches is not read into memory just to be counted.
        if (this.memory?.holds(index.id) === true) return { ...index, ...(await this.statistics(index.id)) };
        const [count, patterns] = await Promise.all([
          this.catalog.vectors.count(index.id),
          this.catalog.segments.patterns(index.id),
        ]);
        return { ...index, count, patterns };
      }),
    );
  }

  async stageVideo(
    indexId: string,
    tenant: string,
    videoId: string,
    points: readonly VectorPoint[],
  ): Promise<StagedVideo> {
    // Another process may have removed the index and made it anew.
    const dimension = await this.readDimension(indexId);
    for (const point of points) checkPoint(point, indexId, dimension, tenant, videoId);
    return {
      generation: newId(),
      commit: async (tx) => {
        await this.catalog.vectors.replaceForVideo(tx, indexId, videoId, points);
        return this.pendingWrite(indexId);
      },
      discard: () => Promise.resolve(),
    };
  }

  async deleteVideo(indexId: string, videoId: string, tx: CatalogTransaction): Promise<PendingWrite> {
    await this.catalog.vectors.deleteOfVideo(tx, indexId, videoId);
    return this.pendingWrite(indexId);
  }

  async patterns(indexId: string, filter: VectorFilter): Promise<number[]> {
    return (await this.statistics(indexId, filter)).patterns;
  }

  async query(
    indexId: string,
    queries: readonly PatternQuery[],
    filter: VectorFilter,
    limit: number,
  ): Promise<VectorHit[]> {
    return this.search(indexId, queries, limit, (memory) => memory.query(indexId, queries, filter, limit));
  }

  async queryVideos(
    indexId: string,
    queries: readonly PatternQuery[],
    filter: VectorFilter,
    page: VideoPage,
  ): Promise<VideoHit[]> {
    return this.search(indexId, queries, page.limit, (memory) => memory.queryVideos(indexId, queries, filter, page));
  }

  async count(indexId: string, filter?: VectorFilter): Promise<number> {
    return (await this.statistics(indexId, filter)).count;
  }

  /** Nothing: the rows go in the transaction that replaces them. */
  sweepVideo(): Promise<void> {
    return Promise.resolve();
  }

  async *contents(indexId: string): AsyncGenerator<HeldGeneration[]> {
    await this.dimensionOf(indexId);
    for await (const page of this.catalog.vectors.contents(indexId)) yield this.withGenerations(indexId, page);
  }

  async contentsOf(indexId: string, videoIds: readonly string[]): Promise<HeldGeneration[]> {
    await this.dimensionOf(indexId);
    return this.withGenerations(indexId, await this.catalog.vectors.contentsOf(indexId, videoIds));
  }

  /** About 2 s for 100,000 segments. */
  async load(indexId: string): Promise<void> {
    await this.inMemory(indexId, () => Promise.resolve());
  }

  async unload(indexId: string): Promise<void> {
    await this.memory?.drop(indexId);
  }

  async health(): Promise<VectorHealth> {
    if (this.closed) return { ok: false, message: "The vector index has been closed." };
    try {
      await this.memory?.ping();
      return { ok: true };
    } catch (error) {
      return {
        ok: false,
        message: `The thread that searches the vectors does not answer: ${(error as Error).message}`,
      };
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.memory?.close();
  }

  /** Rows have no generation of their own: old ones go with their segments, so they are all of the live one. */
  private async withGenerations(indexId: string, stored: readonly VideoVectors[]): Promise<HeldGeneration[]> {
    const ids = stored.map(({ videoId }) => videoId);
    const generations = await this.catalog.indexedVideos.generations(indexId, ids);
    return stored.map(({ videoId, tenant, count }) => {
      return { videoId, tenant, generation: generations.get(videoId) ?? "", points: count };
    });
  }

  private search<Hit>(
    indexId: string,
    queries: readonly PatternQuery[],
    limit: number,
    work: (memory: VectorMemory) => Promise<Hit[]>,
  ): Promise<Hit[]> {
    return this.inMemory(indexId, (memory, dimension) => {
      for (const { vector } of queries) checkVector(vector, indexId, dimension);
      return limit < 1 || queries.length === 0 ? Promise.resolve([]) : work(memory);
    });
  }

  private statistics(indexId: string, filter?: VectorFilter) {
    return this.inMemory(indexId, (memory) => memory.statistics(indexId, filter));
  }

  private pendingWrite(indexId: string): PendingWrite {
    return {
      publish: async () => {
        // What is not in memory yet will be read with this write in it.
        if (this.memory?.holds(indexId) === true) await this.load(indexId);
      },
    };
  }

  /** Runs `work` on the index in memory once that holds everything committed before. */
  private async inMemory<Result>(
    indexId: string,
    work: (memory: VectorMemory, dimension: number) => Promise<Result>,
  ): Promise<Result> {
    for (;;) {
      const dimension = await this.dimensionOf(indexId);
      const memory = this.openMemory();
      try {
        await memory.bringUpToDate(indexId, dimension);
        // It may have been given back at this moment.
        if (memory.holds(indexId)) return await work(memory, dimension);
      } catch (error) {
        if (error instanceof WorkerLostError || error instanceof WorkerRequestError) {
          throw new VectorIndexUnavailableError("The vector index cannot answer now. Try again.", {
            detail: error.message,
            cause: error,
          });
        }
        if (!(error instanceof IndexReplaced)) throw error;
        this.dimensions.delete(indexId);
      }
    }
  }

  private openMemory(): VectorMemory {
    if (this.closed) throw new VectorIndexUnavailableError("The vector index has been closed.");
    if (this.memory === undefined) {
      const memory = new VectorMemory(this.catalog.vectors, (id, count) => this.tellLoaded(id, count));
      this.memory = memory;
      memory.whenLost(() => {
        if (this.memory !== memory || this.closed) return;
        this.memory = undefined;
        this.logger.warn({}, "the thread that searches the vectors was lost; the next query starts another");
      });
    }
    return this.memory;
  }

  private tellLoaded(indexId: string, segments: number): void {
    this.logger.debug({ indexId, segments }, "a vector index is in memory");
    if (segments > MANY_SEGMENTS) {
      this.logger.warn(
        { indexId, segments },
        "the embedded vector index searches every segment for each query; for a library of this size use a vector engine",
      );
    }
  }

  private dimensionOf(indexId: string): Promise<number> {
    const known = this.dimensions.get(indexId);
    return known === undefined ? this.readDimension(indexId) : Promise.resolve(known);
  }

  private async readDimension(indexId: string): Promise<number> {
    const found = await this.catalog.vectors.findIndex(indexId);
    if (found === null) {
      this.dimensions.delete(indexId);
      throw new VectorIndexNotFoundError(`There is no vector index ${indexId}.`);
    }
    this.dimensions.set(indexId, found.dimension);
    return found.dimension;
  }
}
