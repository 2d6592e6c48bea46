import type { CatalogTransaction } from "../../catalog/index.js";
import type { QdrantOptions } from "../../config/index.js";
import { EarshotError, VectorIndexNotFoundError } from "../../errors.js";
import { checkPoint, checkVector } from "../checks.js";
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
import { type Collection, Collections } from "./collections.js";
import { QdrantConnection } from "./connection.js";
import { readContents, readContentsOf } from "./contents.js";
import { CollectionMissing } from "./failures.js";
import { partsOf } from "./filters.js";
import { inTurns } from "./in-turns.js";
import { listIndexes } from "./inspect.js";
import { Sightings } from "./live-points.js";
import { PointSearch, searchesFor } from "./ranking.js";
import { bestSegments, type SearchParts } from "./segment-search.js";
import { FieldValues } from "./values.js";
import { bestVideos } from "./video-search.js";
import { GenerationWriter, type WriteSource } from "./writes.js";

/** Requests at the same time where one call needs several. */
const AT_ONCE = 4;

/** The part of a logger that is used; a pino logger fits. */
interface Log {
  warn(details: object, message: string): void;
}

/**
 * Prepares the engine for libraries beyond one machine: vectors in a Qdrant server, which is asked over HTTP. Nothing is sent before it is used.
 *
 * Points carry the generation of their write, and the catalog says which generation of a video counts. So a commit in the
 * catalog is all that makes a write visible, whatever the server still holds.
 *
 * @throws InvalidOptionsError when the CA file cannot be read
 */
export async function createQdrantVectorIndex(
  catalog: WriteSource,
  options: QdrantOptions,
  log: Log,
): Promise<VectorIndex> {
  return new RemoteVectorIndex(await QdrantConnection.open(options), catalog, options, log);
}

class RemoteVectorIndex implements VectorIndex {
  private readonly collections: Collections;
  private readonly values: FieldValues;
  private readonly writer: GenerationWriter;
  private readonly sightings = new Sightings();

  constructor(
    private readonly connection: QdrantConnection,
    private readonly catalog: WriteSource,
    private readonly options: QdrantOptions,
    log: Log,
  ) {
    const warn = (details: object, message: string) => log.warn(details, message);
    this.collections = new Collections(connection, options, warn);
    this.values = new FieldValues(connection);
    this.writer = new GenerationWriter(connection, catalog, this.values, options, warn);
  }

  get writeSeconds(): number {
    return this.options.writeTimeoutSeconds;
  }

  create(index: IndexDescription): Promise<void> {
    return this.collections.create(index);
  }

  drop(id: string): Promise<void> {
    return this.collections.drop(id);
  }

  /** The server does that by itself. */
  async load(id: string): Promise<void> {
    await this.inCollection(id, () => Promise.resolve());
  }

  /** Nothing was taken here. */
  unload(): Promise<void> {
    return Promise.resolve();
  }

  list(): Promise<IndexInfo[]> {
    return listIndexes(this.collections, this.values);
  }

  stageVideo(
    indexId: string,
    tenant: string,
    videoId: string,
    points: readonly VectorPoint[],
    signal?: AbortSignal,
  ): Promise<StagedVideo> {
    return this.inCollection(indexId, async (collection) => {
      for (const point of points) checkPoint(point, indexId, collection.dimension, tenant, videoId);
      const sweep = () => this.sweepVideo(indexId, videoId);
      return this.writer.stage(collection, { indexId, tenant, videoId }, points, sweep, signal);
    });
  }

  /** The server is not asked: the video is gone with the commit, and its points are removed when that is possible. */
  async deleteVideo(indexId: string, videoId: string, tx: CatalogTransaction): Promise<PendingWrite> {
    const { vectorWrites, indexedVideos } = this.catalog;
    const id = await vectorWrites.markDeleted(tx, indexId, videoId);
    await indexedVideos.remove(tx, indexId, videoId);
    return {
      publish: async () => {
        if (id === null) return;
        await this.sweepVideo(indexId, videoId);
        await vectorWrites.remove(id);
      },
    };
  }

  patterns(indexId: string, filter: VectorFilter): Promise<number[]> {
    return this.inCollection(indexId, async ({ name }) => {
      const counts = await inTurns(partsOf(filter), AT_ONCE, (must) =>
        this.values.count<number>(name, "pattern", { must }, false),
      );
      return ascending(counts.flatMap((part) => [...part.keys()]));
    });
  }

  query(indexId: string, queries: readonly PatternQuery[], filter: VectorFilter, limit: number): Promise<VectorHit[]> {
    return this.inCollection(indexId, async (collection) => {
      for (const { vector } of queries) checkVector(vector, indexId, collection.dimension);
      const searches = searchesFor(queries, filter);
      if (limit < 1 || searches.length === 0) return [];
      return bestSegments(this.searchParts(collection), this.sightings, searches, limit);
    });
  }

  queryVideos(
    indexId: string,
    queries: readonly PatternQuery[],
    filter: VectorFilter,
    page: VideoPage,
  ): Promise<VideoHit[]> {
    return this.inCollection(indexId, async (collection) => {
      for (const { vector } of queries) checkVector(vector, indexId, collection.dimension);
      if (page.limit < 1 || queries.length === 0 || filter.videoIds?.length === 0) return [];
      return bestVideos(this.searchParts(collection), queries, filter, page);
    });
  }

  count(indexId: string, filter?: VectorFilter): Promise<number> {
    return this.inCollection(indexId, async ({ name }) => {
      if (filter === undefined) return this.values.countPoints(name, {});
      const counts = await inTurns(partsOf(filter), AT_ONCE, (must) => this.values.countPoints(name, { must }));
      return counts.reduce((sum, count) => sum + count, 0);
    });
  }

  async sweepVideo(indexId: string, videoId: string): Promise<void> {
    try {
      await this.inCollection(indexId, (collection) => this.writer.sweep(collection, videoId));
    } catch (error) {
      if (!(error instanceof VectorIndexNotFoundError)) throw error;
    }
  }

  async *contents(indexId: string): AsyncGenerator<HeldGeneration[]> {
    const { name } = await this.inCollection(indexId, (collection) => Promise.resolve(collection));
    try {
      yield* readContents(this.connection, name);
    } catch (error) {
      throw this.unlessMissing(indexId, error);
    }
  }

  contentsOf(indexId: string, videoIds: readonly string[]): Promise<HeldGeneration[]> {
    return this.inCollection(indexId, ({ name }) => readContentsOf(this.connection, this.values, name, videoIds));
  }

  async health(): Promise<VectorHealth> {
    if (this.connection.isClosed) return { ok: false, message: "The vector index has been closed." };
    try {
      // Unlike the server's own health checks, this needs the right key.
      await this.connection.read(async (api, { init }) => (await api.getCollections({}, init)).data.result);
      return { ok: true };
    } catch (error) {
      if (error instanceof EarshotError) return { ok: false, message: error.message };
      throw error;
    }
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  private searchParts({ id, name, quantized }: Collection): SearchParts {
    const { hnsw, oversampling } = this.options;
    const search = new PointSearch(this.connection, name, hnsw.ef, quantized ? oversampling : undefined);
    return { search, catalog: this.catalog, indexId: id };
  }

  /** Runs `work` on the index's collection; that the server does not have it is an unknown index. */
  private async inCollection<Result>(
    indexId: string,
    work: (collection: Collection) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await work(await this.collections.find(indexId));
    } catch (error) {
      throw this.unlessMissing(indexId, error);
    }
  }

  /** What to throw: the error itself, unless the collection is missing. */
  private unlessMissing(indexId: string, error: unknown): unknown {
    if (!(error instanceof CollectionMissing)) return error;
    this.collections.forget(indexId);
    return new VectorIndexNotFoundError(`There is no vector index ${indexId}.`, {
      detail: error.message,
      cause: error,
    });
  }
}

function ascending(numbers: Iterable<number>): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}
