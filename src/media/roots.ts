import { realpath } from "node:fs/promises";
import path from "node:path";

/**
 * Where a path leads that a client gave. "missing": inside a root, but not there. "outside": not inside a root, whether or
 * not there is something, so that nobody learns what lies outside.
 */
export type RootedPath = { real: string } | "missing" | "outside";

/**
 * Follows a path, symbolic links resolved, and says whether it ends inside one of the folders that may be read. A relative
 * path is looked for in each root in turn.
 */
export async function followInRoots(given: string, allowedRoots: readonly string[]): Promise<RootedPath> {
  if (given.includes("\0")) return "outside";
  const roots = await Promise.all(allowedRoots.map((root) => realpath(root).catch(() => path.resolve(root))));
  const candidates = path.isAbsolute(given) ? [path.normalize(given)] : roots.map((root) => path.join(root, given));
  for (const candidate of candidates) {
    const real = await realpath(candidate).catch(() => null);
    if (real !== null) return roots.some((root) => isInside(root, real)) ? { real } : "outside";
  }
  const namedRoots = [...allowedRoots, ...roots];
  return candidates.some((candidate) => namedRoots.some((root) => isInside(root, candidate))) ? "missing" : "outside";
}

/** Whether a path lies in a folder, or is that folder; both as they are written. */
export function isInside(root: string, file: string): boolean {
  const relative = path.relative(root, file);
  return relative !== ".." && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}
