import type { Earshot } from "../earshot.js";
import type { Reconciliation } from "../ingest/index.js";
import type { Console } from "./console.js";

/** Options of `earshot reconcile`. */
export interface ReconcileFlags {
  index?: string;
  dryRun?: boolean;
}

/**
 * `earshot reconcile`: compares an index with the catalog, mends what differs and says what it found.
 *
 * @returns The exit code: 0 when all is well or mended, 1 when something is left to do.
 */
export async function reconcileCommand(
  earshot: Earshot,
  { index, dryRun = false }: ReconcileFlags,
  out: Console,
  signal?: AbortSignal,
): Promise<number> {
  const found = await earshot.reconciler.reconcile({
    ...(index === undefined ? {} : { indexId: index }),
    dryRun,
    requestId: null,
    ...(signal === undefined ? {} : { signal }),
  });
  for (const line of report(found)) out.print(line);
  for (const { externalId, id, message } of found.unmended) out.complain(`✗ ${externalId ?? id}  ${message}`);
  if (found.queuedVideos > 0)
    out.complain("Queued videos are ingested by the processes that work on jobs: earshot serve.");
  const left = dryRun ? found.orphanedPoints + found.incompleteVideos : found.unmendedVideos;
  return left === 0 ? 0 : 1;
}

function report(found: Reconciliation): string[] {
  const { dryRun, orphanedPoints, incompleteVideos, queuedVideos, unmendedVideos, pendingPoints } = found;
  const removed = dryRun ? "would be removed" : "removed";
  const mended = dryRun
    ? "would be ingested again"
    : `${queuedVideos} queued to be ingested again, ${unmendedVideos} left`;
  return [
    `${found.indexId}: ${found.videos} videos with ${found.segments} segments; the engine holds ${found.points} vectors.`,
    `Vectors that nothing refers to: ${orphanedPoints}${orphanedPoints === 0 ? "" : ` (${removed})`}.`,
    `Videos with missing vectors: ${incompleteVideos}${incompleteVideos === 0 ? "" : ` (${mended})`}.`,
    ...(pendingPoints === 0 ? [] : [`Vectors of writes in progress, left alone: ${pendingPoints}.`]),
  ];
}
