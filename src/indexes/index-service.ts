import type { Catalog } from "../catalog/index.js";
import type { Logger } from "../config/index.js";
import { IndexInUseError, VectorIndexNotFoundError } from "../errors.js";
import { listPacks, type PackPlaces } from "../models/index.js";
import type { IndexInfo, VectorIndex } from "../vectors/index.js";
import { dropIndex } from "./drop.js";
import type { LiveIndex } from "./live-index.js";

/** What an index service works with. */
export interface IndexServiceParts {
  catalog: Catalog;
  vectors: VectorIndex;
  live: Pick<LiveIndex, "look" | "runtime">;
  /** Where model packs lie. */
  places: PackPlaces;
  logger: Logger;
}

/** An index as it stands. */
export interface IndexStatus extends IndexInfo {
  /** Videos in it, over all tenants. */
  videos: number;
  /** Whether searches use it and ingests fill it. */
  live: boolean;
  /** Whether a re-index is building it. */
  building: boolean;
  /** Whether its model pack is on this machine. */
  packIsHere: boolean;
}

/** Lists the indexes, and removes those that are no longer needed. Everything concerns all tenants. */
export class IndexService {
  constructor(private readonly parts: IndexServiceParts) {}

  /** All indexes that the engine has, by id. */
  async list(): Promise<IndexStatus[]> {
    const { catalog, vectors, places } = this.parts;
    const [indexes, contents, liveId, reindex, packs] = await Promise.all([
      vectors.list(),
      catalog.indexedVideos.countByIndex(),
      catalog.liveIndex.find(),
      catalog.reindexes.unfinished(),
      listPacks(places),
    ]);
    return indexes.map((index) => ({
      ...index,
      videos: contents.get(index.id)?.videos ?? 0,
      live: index.id === liveId,
      building: index.id === reindex?.indexId,
      packIsHere: packs.some(({ id }) => id === index.id),
    }));
  }

  /**
   * Removes an index that is neither in use nor being built, with its segments and vectors. The videos stay. An index that
   * the engine lacks, e.g. because another engine was used before, is removed from the catalog.
   *
   * @throws VectorIndexNotFoundError, IndexInUseError
   */
  async drop(id: string): Promise<void> {
    const { catalog, vectors, live, logger } = this.parts;
    await live.look();
    if (!(await this.exists(id))) {
      throw new VectorIndexNotFoundError(`There is no vector index ${id}.`, { field: "id" });
    }
    await dropIndex({ catalog, vectors }, id, async (tx) => {
      // One transaction with the decision: what begins or changes over looks whether an index is being removed.
      if (id === live.runtime.pack.id || id === (await catalog.liveIndex.find(tx))) {
        throw new IndexInUseError(`Searches use the index ${id}. Change over to another one first.`, { field: "id" });
      }
      if (id === (await catalog.reindexes.unfinished(tx))?.indexId) {
        throw new IndexInUseError(`The index ${id} is being built. Cancel the re-index first.`, { field: "id" });
      }
    });
    logger.info({ index: id }, "index dropped");
  }

  private async exists(id: string): Promise<boolean> {
    const { catalog, vectors } = this.parts;
    if ((await catalog.vectors.findIndex(id)) !== null || (await catalog.indexedVideos.isHeld(id))) return true;
    // An empty one of an engine elsewhere is known to nobody else. To list them may take long.
    return (await vectors.list()).some((index) => index.id === id);
  }
}
