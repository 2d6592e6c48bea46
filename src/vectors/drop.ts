import type { Catalog } from "../catalog/index.js";
import type { IndexDescription, VectorIndex } from "./index.js";

/** What the removal of an index works with. */
export interface DropParts {
  catalog: Pick<Catalog, "indexedVideos" | "vectorWrites">;
  vectors: VectorIndex;
}

/** Seconds after which another process goes on with a removal whose process is not heard of. */
const leaseSeconds = 30;

/**
 * Removes an index with everything that is known of it: its vectors, segments and rows. Nobody may search it or fill it
 * any more. A removal that breaks off is finished by the upkeep, in whatever process; there is no way back from the
 * call on.
 *
 * @throws VectorIndexUnavailableError when the engine is away; the removal goes on when it is back
 */
export async function dropIndex(parts: DropParts, indexId: string): Promise<void> {
  await finishDrop(parts, { id: await parts.catalog.vectorWrites.markDropped(indexId), indexId });
}

/**
 * Makes sure that an index exists. When it is being removed, that comes to its end first.
 *
 * @throws VectorDimensionMismatchError, VectorIndexUnavailableError
 */
export async function createIndex(parts: DropParts, index: IndexDescription): Promise<void> {
  if (await parts.catalog.vectorWrites.isDropped(index.id)) await dropIndex(parts, index.id);
  await parts.vectors.create(index);
}

/** Does what is left of a removal; any number of processes may do this at once. */
export async function finishDrop(
  { catalog, vectors }: DropParts,
  { id, indexId }: { id: string; indexId: string },
): Promise<void> {
  const { indexedVideos, vectorWrites } = catalog;
  // Also asked before each step that cannot be undone: another process may have finished, and the index be there anew.
  const isMine = () => vectorWrites.renew(id, leaseSeconds);
  while ((await isMine()) && (await indexedVideos.removeSome(indexId)));
  if (!(await isMine())) return;
  await vectors.drop(indexId);
  // What was staged before cannot be committed from here on; what was committed meanwhile goes after it.
  await vectorWrites.removeOfIndex(indexId);
  while ((await isMine()) && (await indexedVideos.removeSome(indexId)));
  await vectorWrites.remove(id);
}
