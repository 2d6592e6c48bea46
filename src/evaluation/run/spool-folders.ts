import { readdir, rm } from "node:fs/promises";
import path from "node:path";

/** Folder of the vectors of an evaluation while it runs. */
export function spoolFolder(dataDirectory: string, evaluationId: string): string {
  return path.join(dataDirectory, "evaluations", evaluationId);
}

/** Removes the vectors of an evaluation, if there are any. */
export function removeSpool(dataDirectory: string, evaluationId: string): Promise<void> {
  return rm(spoolFolder(dataDirectory, evaluationId), { recursive: true, force: true });
}

/**
 * Removes the vectors of evaluations that have ended, which a process left behind that was killed.
 *
 * @param unfinishedIds reads the ids of the evaluations that wait or run
 */
export async function removeStaleSpools(
  dataDirectory: string,
  unfinishedIds: () => Promise<readonly string[]>,
): Promise<void> {
  const names = await readdir(path.join(dataDirectory, "evaluations")).catch(() => []);
  if (names.length === 0) return;
  // Only now: another process may begin an evaluation meanwhile, whose folder is not among those.
  const unfinished = new Set(await unfinishedIds());
  for (const name of names) if (!unfinished.has(name)) await removeSpool(dataDirectory, name);
}
