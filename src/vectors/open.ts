import type { Catalog } from "../catalog/index.js";
import type { ResolvedOptions } from "../config/index.js";
import type { VectorIndex } from "./index.js";
import { createLocalVectorIndex, type VectorLogger } from "./local/index.js";
import { createQdrantVectorIndex } from "./qdrant/index.js";

/**
 * Opens the vector engine that the options name.
 *
 * @throws InvalidOptionsError when a file that the options name cannot be read
 */
export async function openVectorIndex(
  catalog: Catalog,
  { engine, qdrant }: ResolvedOptions["vectors"],
  logger: VectorLogger,
): Promise<VectorIndex> {
  if (engine === "local") return createLocalVectorIndex(catalog, logger);
  if (qdrant.apiKey !== undefined && !qdrant.url.startsWith("https:")) {
    logger.warn({}, "the API key of Qdrant is sent over http, in clear text; https keeps it secret");
  }
  return createQdrantVectorIndex(catalog, qdrant, logger);
}
