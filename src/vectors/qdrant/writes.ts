import { newId, type Catalog, type CatalogTransaction } from "../../catalog/index.js";
import { VectorStageLostError } from "../../errors.js";
import type { PendingWrite, StagedVideo, VectorPoint } from "../index.js";
import type { Collection } from "./collections.js";
import type { QdrantConnection } from "./connection.js";
import { mayHaveBeenDone, NotYetDone } from "./failures.js";
import { is, isAnyOf } from "./filters.js";
import { batches, toPointStruct } from "./points.js";
import type { FieldValues } from "./values.js";

/** The parts of the catalog that writes are kept in. */
export type WriteSource = Pick<Catalog, "vectorWrites" | "indexedVideos">;

/** Options of the writes. */
export interface WriteOptions {
  writeTimeoutSeconds: number;
  writeOrdering: "weak" | "medium" | "strong";
  upsertBytes: number;
}

/** Whose the vectors are. */
export interface VideoOfIndex {
  indexId: string;
  tenant: string;
  videoId: string;
}

/** Writes points of generations, and removes them. */
export class GenerationWriter {
  constructor(
    private readonly connection: QdrantConnection,
    private readonly catalog: WriteSource,
    private readonly values: FieldValues,
    private readonly options: WriteOptions,
    private readonly warn: (details: object, message: string) => void,
  ) {}

  /**
   * Writes the points of a new generation, which no search sees yet. The catalog knows of them before the first is
   * written.
   *
   * @param sweep finishes a committed write
   */
  async stage(
    collection: Collection,
    video: VideoOfIndex,
    points: readonly VectorPoint[],
    sweep: () => Promise<void>,
    signal?: AbortSignal,
  ): Promise<StagedVideo> {
    const { vectorWrites } = this.catalog;
    const generation = newId();
    await vectorWrites.stage({ id: generation, ...video }, this.leaseSeconds);
    let uncertain = false;
    const discard = () => this.discard(collection, generation, video, uncertain);
    try {
      for (const batch of batches(points, this.options.upsertBytes)) {
        if (!(await vectorWrites.extend(generation, this.leaseSeconds))) throw stageLost();
        await this.upsert(collection, generation, batch, signal);
      }
      if (!(await vectorWrites.extend(generation, this.leaseSeconds))) throw stageLost();
    } catch (error) {
      uncertain = signal?.aborted === true || mayHaveBeenDone((error as Error).cause ?? error);
      await discard();
      throw error;
    }
    return {
      generation,
      commit: async (tx: CatalogTransaction): Promise<PendingWrite> => {
        await vectorWrites.markReplaced(tx, generation);
        return {
          publish: async () => {
            await sweep();
            await vectorWrites.remove(generation);
          },
        };
      },
      discard,
    };
  }

  /**
   * Removes the generations of a video that the catalog calls neither live nor staged. They are named one by one: see
   * docs/decisions.md, "What is dead in Qdrant is named".
   */
  async sweep(collection: Collection, videoId: string): Promise<void> {
    const { id: indexId, name } = collection;
    const filter = { must: [is("videoId", videoId)] };
    const held = await this.values.count<string>(name, "generation", filter, true);
    if (held.size === 0) return;
    // In this order: what is committed between the two is staged in the first or live in the second.
    const writes = await this.catalog.vectorWrites.ofVideos(indexId, [videoId]);
    const live = await this.catalog.indexedVideos.generations(indexId, [videoId]);
    const kept = new Set(writes.filter(({ state }) => state === "STAGED").map(({ id }) => id));
    const dead = [...held.keys()].filter((generation) => !kept.has(generation) && live.get(videoId) !== generation);
    if (dead.length > 0) await this.remove(name, dead);
  }

  /** Never throws: what it cannot do is done by the upkeep of outstanding writes. */
  private async discard(
    { name, id: indexId }: Collection,
    generation: string,
    { videoId }: VideoOfIndex,
    uncertain: boolean,
  ): Promise<void> {
    try {
      if (!(await this.catalog.vectorWrites.abandon(generation, indexId, videoId))) return;
      await this.remove(name, [generation]);
      // A request that was given up may still be carried out. Then the row stays, and its points are removed once more.
      if (!uncertain) await this.catalog.vectorWrites.remove(generation);
    } catch (error) {
      this.warn({ err: error, indexId, videoId, generation }, "vectors that were given up are removed later");
    }
  }

  private async upsert(
    { name }: Collection,
    generation: string,
    batch: readonly VectorPoint[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const points = batch.map((point) => toPointStruct(point, generation));
    await this.connection.write(async (api, { init, timeout }) => {
      const body = { collection_name: name, wait: true, ordering: this.options.writeOrdering, timeout, points };
      return doneOf((await api.upsertPoints(body, init)).data.result);
    }, signal);
  }

  private async remove(name: string, generations: readonly string[]): Promise<void> {
    const filter = { must: [isAnyOf("generation", generations)] };
    await this.connection.write(async (api, { init, timeout }) => {
      const body = { collection_name: name, wait: true, ordering: this.options.writeOrdering, timeout, filter };
      return doneOf((await api.deletePoints(body, init)).data.result);
    });
  }

  /** As long as one batch may take, and then some. */
  private get leaseSeconds(): number {
    return 2 * this.options.writeTimeoutSeconds + 60;
  }
}

/** The server answers "wait_timeout" when it stopped waiting, and "acknowledged" when it did not wait at all. */
function doneOf<Result extends { status: string }>(result: Result | undefined): Result | undefined {
  if (result !== undefined && result.status !== "completed") throw new NotYetDone(`the update is ${result.status}`);
  return result;
}

function stageLost(): VectorStageLostError {
  return new VectorStageLostError("The vectors of the video were given up while they were written. Try again.");
}
