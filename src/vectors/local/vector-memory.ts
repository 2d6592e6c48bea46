import type { Catalog, VectorRepository } from "../../catalog/index.js";
import { workerEntry, WorkerThread } from "../../models/worker-thread.js";
import type { PatternQuery, VectorFilter, VectorHit, VideoHit, VideoPage } from "../index.js";
import { packRows } from "./rows.js";
import type { SearchWorkerRequest } from "./search-worker.js";
import type { MatrixStatistics } from "./segment-matrix.js";

/** Thrown when an index is no longer the one that was read, or was never: it has been removed, maybe made anew. */
export class IndexReplaced extends Error {}

/** The part of the catalog that holds the rows. */
export type VectorRowsSource = Pick<Catalog, "vectors" | "segments" | "indexedVideos">;

const entry = workerEntry(import.meta.url, "./search-worker");

/**
 * The vectors in memory: one thread, and the indexes it has read from the catalog so far. When the thread is
 * lost, so is the memory, and a new one has to be made.
 */
export class VectorMemory {
  private readonly thread = new WorkerThread(entry, undefined, "earshot-vectors");
  private readonly indexes = new Map<string, IndexInMemory>();

  /** @param onLoaded told how many segments an index has once it has been read */
  constructor(
    private readonly rows: VectorRepository,
    private readonly onLoaded: (indexId: string, count: number) => void,
  ) {}

  /** Calls back when the thread has ended. */
  whenLost(listener: () => void): void {
    this.thread.whenLost(listener);
  }

  /** Whether the index has been read or is being read. */
  holds(indexId: string): boolean {
    return this.indexes.has(indexId);
  }

  /**
   * Reads the index if need be, then all changes that were committed before this call, by whatever process.
   *
   * @throws IndexReplaced it is not the index of that dimension; nothing of it is kept
   */
  async bringUpToDate(indexId: string, dimension: number): Promise<void> {
    let index = this.indexes.get(indexId);
    if (index === undefined) {
      index = new IndexInMemory(indexId, dimension, this.rows, this.thread);
      this.indexes.set(indexId, index);
    }
    try {
      const count = await index.load();
      if (count !== undefined) this.onLoaded(indexId, count);
      await index.catchUp();
    } catch (error) {
      const isReplaced = error instanceof IndexReplaced;
      if (this.indexes.get(indexId) === index && (isReplaced || !index.isLoaded)) {
        // Nobody knows how much of it is there.
        this.indexes.delete(indexId);
        if (isReplaced) await this.request({ kind: "drop", index: indexId });
      }
      throw error;
    }
  }

  query(indexId: string, queries: readonly PatternQuery[], filter: VectorFilter, limit: number): Promise<VectorHit[]> {
    return this.request({ kind: "query", index: indexId, queries, filter, limit });
  }

  queryVideos(
    indexId: string,
    queries: readonly PatternQuery[],
    filter: VectorFilter,
    page: VideoPage,
  ): Promise<VideoHit[]> {
    return this.request({ kind: "query-videos", index: indexId, queries, filter, page });
  }

  statistics(indexId: string, filter?: VectorFilter): Promise<MatrixStatistics> {
    return this.request({ kind: "statistics", index: indexId, ...(filter === undefined ? {} : { filter }) });
  }

  /** Forgets an index. What reads it just then comes to its end first. */
  async drop(indexId: string): Promise<void> {
    const index = this.indexes.get(indexId);
    await index?.settled();
    if (index === undefined || this.indexes.get(indexId) !== index) return;
    this.indexes.delete(indexId);
    await this.request({ kind: "drop", index: indexId });
  }

  /** Resolves when the thread answers. */
  ping(): Promise<void> {
    return this.request({ kind: "ping" });
  }

  close(): Promise<void> {
    return this.thread.close();
  }

  private request<Result>(request: SearchWorkerRequest): Promise<Result> {
    return this.thread.request<Result>(request);
  }
}

/** One index in the thread, and how far it follows the catalog's log of changes. */
class IndexInMemory {
  private loading: Promise<number> | undefined;
  private loaded = false;
  /** Number of the last change that is in memory. */
  private lastChange = 0;
  /** When the index was made that was read. */
  private made: string | undefined;
  /** The check that runs, and the one that waits for it. */
  private checking: Promise<void> = Promise.resolve();
  private nextCheck: Promise<void> | undefined;

  constructor(
    private readonly id: string,
    private readonly dimension: number,
    private readonly rows: VectorRepository,
    private readonly thread: WorkerThread,
  ) {}

  get isLoaded(): boolean {
    return this.loaded;
  }

  /** Reads all rows, once. Gives their number to the first caller. */
  async load(): Promise<number | undefined> {
    if (this.loading !== undefined) {
      await this.loading;
      return undefined;
    }
    this.loading = this.readAll();
    const count = await this.loading;
    this.loaded = true;
    return count;
  }

  /**
   * Takes over the changes since the last time. A check that has begun may have read the log before the caller's
   * commit, so the caller waits for the next one, which all callers of the meantime share.
   */
  catchUp(): Promise<void> {
    this.nextCheck ??= this.checking.then(
      () => this.beginCheck(),
      () => this.beginCheck(),
    );
    return this.nextCheck;
  }

  /** Resolves when nothing is being read. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.loading, this.checking, this.nextCheck]);
  }

  private beginCheck(): Promise<void> {
    this.nextCheck = undefined;
    this.checking = this.check();
    return this.checking;
  }

  private async readAll(): Promise<number> {
    await this.thread.request({
      kind: "open",
      index: this.id,
      dimension: this.dimension,
    } satisfies SearchWorkerRequest);
    // Read before the rows: what changes while they are being read is then taken over by the first check.
    const { lastChange, index } = await this.rows.state(this.id);
    if (index?.dimension !== this.dimension) throw new IndexReplaced();
    this.lastChange = lastChange;
    this.made = index.made;
    let count = 0;
    let sent: Promise<void> = Promise.resolve();
    for await (const page of this.rows.read(this.id)) {
      count += page.length;
      const rows = packRows(page, this.dimension);
      // One page is read while the one before is being stored.
      await sent;
      sent = this.send({ kind: "add", index: this.id, rows }, rows.vectors);
      sent.catch(() => undefined);
    }
    await sent;
    return count;
  }

  private async check(): Promise<void> {
    const { lastChange: last, index } = await this.rows.state(this.id);
    if (index?.made !== this.made) throw new IndexReplaced();
    if (last === this.lastChange) return;
    for (const videoId of await this.rows.changedSince(this.id, this.lastChange)) {
      const rows = packRows(await this.rows.ofVideo(this.id, videoId), this.dimension);
      await this.send({ kind: "replace-video", index: this.id, videoId, rows }, rows.vectors);
    }
    this.lastChange = last;
  }

  private send(request: SearchWorkerRequest, vectors: Float32Array): Promise<void> {
    return this.thread.request(request, [vectors.buffer as ArrayBuffer]);
  }
}
