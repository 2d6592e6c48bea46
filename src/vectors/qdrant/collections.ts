import type { Schemas } from "@qdrant/js-client-rest";
import type { QdrantOptions } from "../../config/index.js";
import { VectorDimensionMismatchError } from "../../errors.js";
import { otherDimension } from "../checks.js";
import type { IndexDescription } from "../index.js";
import type { QdrantConnection } from "./connection.js";
import { CollectionExists, CollectionMissing } from "./failures.js";
import { collectionName, indexIdOf } from "./names.js";
import type { PointPayload } from "./points.js";

/** A collection that holds an index. */
export interface Collection extends IndexDescription {
  name: string;
  /** Whether searches go through 8-bit vectors first. */
  quantized: boolean;
}

/** Told what is worth a person's attention. */
export type Warn = (details: object, message: string) => void;

/**
 * The indexes of the payload: a query filters by tenant and pattern, so these get graphs of their own; videos and
 * generations are small enough to be scanned.
 */
const payloadIndexes: readonly (readonly [keyof PointPayload, Schemas["PayloadSchemaParams"]])[] = [
  ["tenant", { type: "keyword", is_tenant: true }],
  ["pattern", { type: "integer", lookup: true, range: false }],
  ["videoId", { type: "keyword", enable_hnsw: false }],
  ["generation", { type: "keyword", enable_hnsw: false }],
];

/** The collections of one deployment. */
export class Collections {
  private readonly known = new Map<string, Collection>();

  constructor(
    private readonly connection: QdrantConnection,
    private readonly options: QdrantOptions,
    private readonly warn: Warn,
  ) {}

  /**
   * Makes the collection of an index, or completes it: a process may have ended before all of its payload indexes were
   * made.
   *
   * @throws VectorDimensionMismatchError when there is one for other vectors, and the connection's errors
   */
  async create({ id, dimension }: IndexDescription): Promise<void> {
    const name = this.nameOf(id);
    if ((await this.info(name)) === undefined) await this.make(name, dimension);
    const info = await this.info(name);
    if (info === undefined) throw new CollectionMissing(`${name} was removed while it was made`);
    const collection = describe(id, name, info);
    if (collection === undefined) {
      throw new VectorDimensionMismatchError(
        `The collection ${name} holds vectors that are not compared by their dot product. It is not Earshot's: give ` +
          "vectors.qdrant.collectionPrefix another value, or remove the collection.",
      );
    }
    if (collection.dimension !== dimension) throw otherDimension(id, collection.dimension, dimension);
    for (const [field_name, field_schema] of payloadIndexes) {
      if (info.payload_schema[field_name] !== undefined) continue;
      await this.connection.write(async (api, { init, timeout }) => {
        const body = { collection_name: name, wait: true, timeout, field_name, field_schema };
        return (await api.createFieldIndex(body, init)).data.result;
      });
    }
    this.tellDifferences(collection, info);
    this.known.set(id, collection);
  }

  /** Removes the collection of an index, if there is one. */
  async drop(id: string): Promise<void> {
    this.known.delete(id);
    try {
      await this.connection.once(async (api, { init, timeout }) => {
        return (await api.deleteCollection({ collection_name: this.nameOf(id), timeout }, init)).data.result;
      });
    } catch (error) {
      if (!(error instanceof CollectionMissing)) throw error;
    }
  }

  /**
   * The collection of an index, from memory if it was asked for before.
   *
   * @throws CollectionMissing
   */
  async find(id: string): Promise<Collection> {
    const known = this.known.get(id);
    if (known !== undefined) return known;
    const name = this.nameOf(id);
    const info = await this.info(name);
    const collection = info === undefined ? undefined : describe(id, name, info);
    if (collection === undefined) throw new CollectionMissing(`there is no collection ${name} of Earshot's`);
    this.known.set(id, collection);
    return collection;
  }

  /** Forgets what is known of a collection, since it turned out to be wrong. */
  forget(id: string): void {
    this.known.delete(id);
  }

  /** All collections of this deployment, by the id of their index. */
  async list(): Promise<Collection[]> {
    const found = await this.connection.read(async (api, { init }) => {
      return (await api.getCollections({}, init)).data.result?.collections;
    });
    const collections = await Promise.all(
      found.map(async ({ name }) => {
        const id = indexIdOf(this.options.collectionPrefix, name);
        const info = id === undefined ? undefined : await this.info(name);
        return id === undefined || info === undefined ? undefined : describe(id, name, info);
      }),
    );
    return collections
      .filter((collection) => collection !== undefined)
      .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  }

  private nameOf(id: string): string {
    return collectionName(this.options.collectionPrefix, id);
  }

  /** What the server says about a collection; undefined when there is none. */
  private async info(name: string): Promise<Schemas["CollectionInfo"] | undefined> {
    try {
      return await this.connection.read(async (api, { init }) => {
        return (await api.getCollection({ collection_name: name }, init)).data.result;
      });
    } catch (error) {
      if (error instanceof CollectionMissing) return undefined;
      throw error;
    }
  }

  private async make(name: string, dimension: number): Promise<void> {
    try {
      await this.connection.once(async (api, { init, timeout }) => {
        const body = { collection_name: name, timeout, ...settingsOf(this.options, dimension) };
        return (await api.createCollection(body, init)).data.result;
      });
    } catch (error) {
      // Another process was faster; the caller looks at what it made.
      if (!(error instanceof CollectionExists)) throw error;
    }
  }

  /** Options that hold for new collections alone are no silent disappointment. */
  private tellDifferences({ id, quantized }: Collection, info: Schemas["CollectionInfo"]): void {
    const { datatype, quantization } = this.options;
    const vectors = info.config.params.vectors as Schemas["VectorParams"];
    const found = { datatype: vectors.datatype ?? "float32", quantization: quantized ? "scalar" : "none" };
    if (found.datatype === datatype && found.quantization === quantization) return;
    this.warn(
      { indexId: id, found, options: { datatype, quantization } },
      "a collection was made with other options than those now set, and keeps them",
    );
  }
}

/** How a new collection is made. */
function settingsOf(options: QdrantOptions, dimension: number): Schemas["CreateCollection"] {
  const { datatype, quantization, onDisk, shards, replicas, hnsw } = options;
  const writeConsistency =
    options.writeConsistency ?? (replicas === undefined ? undefined : Math.floor(replicas / 2) + 1);
  return {
    vectors: { size: dimension, distance: "Dot", datatype, on_disk: onDisk },
    hnsw_config: {
      m: hnsw.m,
      payload_m: hnsw.payloadM,
      ef_construct: hnsw.efConstruct,
      on_disk: hnsw.onDisk,
    },
    // Filters go by the payload's indexes, which are in memory; the payload itself is only read for what was found.
    on_disk_payload: true,
    ...(quantization === "none"
      ? {}
      : { quantization_config: { scalar: { type: "int8", quantile: 0.99, always_ram: true } } }),
    ...(shards === undefined ? {} : { shard_number: shards }),
    ...(replicas === undefined ? {} : { replication_factor: replicas }),
    ...(writeConsistency === undefined ? {} : { write_consistency_factor: writeConsistency }),
  };
}

/** What matters of a collection; undefined when it is none for flat vectors and dot products. */
function describe(id: string, name: string, { config }: Schemas["CollectionInfo"]): Collection | undefined {
  const vectors = config.params.vectors;
  if (vectors === undefined || typeof vectors["size"] !== "number" || vectors["distance"] !== "Dot") return undefined;
  // The answer has null where there is none.
  const quantized = (config.quantization_config ?? null) !== null;
  return { id, name, dimension: vectors["size"], quantized };
}
