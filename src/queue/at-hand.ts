import type { Catalog } from "../catalog/index.js";
import { CatalogDisconnectedError, VectorIndexUnavailableError } from "../errors.js";
import type { VectorIndex } from "../vectors/index.js";

/** Throws when the database or the vector engine is away. */
export async function checkAtHand(catalog: Catalog, vectors: VectorIndex): Promise<void> {
  const database = await catalog.health();
  if (!database.ok) throw new CatalogDisconnectedError(database.message ?? "The database does not answer.");
  const index = await vectors.health();
  if (!index.ok) throw new VectorIndexUnavailableError(index.message ?? "The vector engine does not answer.");
}
