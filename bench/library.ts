/** Libraries of made-up videos, stored by the product's own catalog and index. */
import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import path from "node:path";
import type { BenchContext } from "./benchmark.js";
import { runScript } from "./processes.js";

/**
 * The data directory of a library with so many segments; it is filled at the first call.
 *
 * It is filled in a process of its own, so that what was done for that is in no figure.
 */
export async function libraryOf(context: BenchContext, segments: number): Promise<string> {
  const folder = path.join(context.folder, `library-${segments}`);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}-unfinished`;
  context.progress(`filling a library of ${segments} segments`);
  await runScript(new URL("fill-library.ts", import.meta.url), [unfinished, `${segments}`]);
  await rename(unfinished, folder);
  return folder;
}
