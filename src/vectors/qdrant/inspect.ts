import type { QdrantOptions } from "../../config/index.js";
import type { IndexInfo } from "../index.js";
import { Collections } from "./collections.js";
import { QdrantConnection } from "./connection.js";
import { CollectionMissing } from "./failures.js";
import { inTurns } from "./in-turns.js";
import { FieldValues } from "./values.js";

/** Collections that are counted at the same time. */
const AT_ONCE = 4;

/** What a Qdrant server says about itself, to someone with the key. */
export interface QdrantInspection {
  version: string;
  /** Whether Earshot supports the version. */
  supported: boolean;
  /** The indexes of this deployment. */
  indexes: IndexInfo[];
}

/** First version with all that is used: counts of field values, and indexes of tenants. */
const OLDEST = [1, 12] as const;

/**
 * Asks a server who it is and what it holds.
 *
 * @throws InvalidOptionsError, VectorIndexUnavailableError, VectorEngineForbiddenError
 */
export async function inspectQdrant(options: QdrantOptions): Promise<QdrantInspection> {
  const connection = await QdrantConnection.open(options);
  try {
    const version = await connection.read(async (api, { init }) => (await api.root({}, init)).data.version);
    const [major = 0, minor = 0] = version.split(".").map(Number);
    const collections = new Collections(connection, options, () => undefined);
    return {
      version,
      supported: major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]),
      indexes: await listIndexes(collections, new FieldValues(connection)),
    };
  } finally {
    await connection.close();
  }
}

/** The indexes of a deployment with what is in them, by id. */
export async function listIndexes(collections: Collections, values: FieldValues): Promise<IndexInfo[]> {
  const listed = await inTurns(await collections.list(), AT_ONCE, async ({ id, name, dimension }) => {
    try {
      const patterns = await values.count<number>(name, "pattern", {}, true);
      const count = await values.countPoints(name, {});
      return { id, dimension, count, patterns: [...patterns.keys()].sort((a, b) => a - b) };
    } catch (error) {
      // Dropped since it was listed.
      if (error instanceof CollectionMissing) return undefined;
      throw error;
    }
  });
  return listed.filter((index) => index !== undefined);
}
