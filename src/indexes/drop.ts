import { setTimeout as delay } from "node:timers/promises";
import type { Catalog, CatalogTransaction } from "../catalog/index.js";
import type { IndexDescription, VectorIndex } from "../vectors/index.js";

/** What the removal of an index works with. */
export interface DropParts {
  catalog: Pick<Catalog, "indexedVideos" | "transaction" | "vectors" | "vectorWrites">;
  vectors: VectorIndex;
}

/** Time between two looks whether another process has come to the end of a removal, in milliseconds. */
const LOOK_MS = 250;

/**
 * Removes an index with everything that is known of it: its vectors, segments and rows. Nobody may search it or fill it
 * any more. A removal that breaks off is finished by the upkeep, in whatever process; there is no way back from the
 * call on. One that is going on already comes to its end.
 *
 * @param check throws, in the transaction that decides on the removal, when the index is needed
 * @throws VectorIndexUnavailableError when the engine is away; the removal goes on when it is back
 */
export async function dropIndex(
  parts: DropParts,
  indexId: string,
  check: (tx: CatalogTransaction) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { catalog, vectors } = parts;
  const id = await catalog.transaction(async (tx) => {
    await check(tx);
    return catalog.vectorWrites.markDropped(tx, indexId, leaseSeconds(vectors));
  });
  if (id === null) await endDrop(parts, indexId);
  else await finishDrop(parts, { id, indexId });
}

/**
 * Makes sure that an index exists. When it is being removed, that comes to its end first.
 *
 * @throws VectorDimensionMismatchError, VectorIndexUnavailableError
 */
export async function createIndex(parts: DropParts, index: IndexDescription): Promise<void> {
  await endDrop(parts, index.id);
  await parts.vectors.create(index);
}

/**
 * Does what is left of a removal; any number of processes may do this, each when it has taken the row up.
 *
 * @param signal ends it; the rest is done by whoever takes it up again
 */
export async function finishDrop(
  { catalog, vectors }: DropParts,
  { id, indexId }: { id: string; indexId: string },
  signal?: AbortSignal,
): Promise<void> {
  const { indexedVideos, vectorWrites } = catalog;
  // Also asked before each step that cannot be undone: another process may have finished, and the index be there anew.
  const isMine = () => {
    signal?.throwIfAborted();
    return vectorWrites.renew(id, leaseSeconds(vectors));
  };
  while ((await isMine()) && (await indexedVideos.removeSome(indexId)));
  if (!(await isMine())) return;
  await vectors.drop(indexId);
  // What another engine has left in the catalog, which was used before.
  await catalog.vectors.dropIndex(indexId);
  // What was staged before cannot be committed from here on; what was committed meanwhile goes after it.
  await vectorWrites.removeOfIndex(indexId);
  while ((await isMine()) && (await indexedVideos.removeSome(indexId)));
  await vectorWrites.remove(id);
}

/** Waits for the end of a removal, if there is one; does what is left of it when its process is not heard of. */
async function endDrop(parts: DropParts, indexId: string): Promise<void> {
  const { catalog, vectors } = parts;
  for (;;) {
    const id = await catalog.vectorWrites.findDropped(indexId);
    if (id === null) return;
    if (await catalog.vectorWrites.takeUp(id, leaseSeconds(vectors))) await finishDrop(parts, { id, indexId });
    else await delay(LOOK_MS);
  }
}

/** Until others go on with a removal: an engine may still carry out what was asked of it, and the index be there anew. */
function leaseSeconds({ writeSeconds }: VectorIndex): number {
  return writeSeconds + 30;
}
