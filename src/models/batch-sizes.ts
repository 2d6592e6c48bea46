/** The batch sizes of a pack's experts: given, or found by trial runs and kept in a file. */
import { createHash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import type { BatchSize } from "./batch-trial.js";
import type { InferenceOptions } from "./inference-options.js";
import type { ModelPack } from "./pack.js";

/** Windows in one run of an expert, where nobody says anything else. */
export const DEFAULT_BATCH_SIZE = 32;

const DEFAULT_BUDGET_BYTES = 2 ** 30;

/** What trial runs are made with. */
export interface TrialRuns {
  /** Where the experts run, e.g. `cpu` or `cuda:0`. */
  device: string;
  /** Threads of one session. */
  threads: number;
  /** Finds the batch size of an expert. */
  measure: (expert: string, budgetBytes: number) => Promise<BatchSize>;
  /** Told of each batch size that was found by trial runs just now. */
  onFound: (expert: string, found: BatchSize) => void;
}

/** Finds the batch size of every expert. What an earlier process found under the same conditions is taken from the file. */
export async function batchSizes(
  { manifest }: Pick<ModelPack, "manifest">,
  { batchSize = DEFAULT_BATCH_SIZE, memoryBudgetBytes = DEFAULT_BUDGET_BYTES, batchSizeFile }: InferenceOptions,
  trials: TrialRuns,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  if (batchSize !== "auto") {
    for (const { name } of manifest.experts) sizes.set(name, batchSize);
    return sizes;
  }
  const known = batchSizeFile === undefined ? {} : await readKnown(batchSizeFile);
  let added = false;
  // One after the other: what one takes of time and memory must not count for another.
  for (const { name, file } of manifest.experts) {
    const conditions = [manifest.files[file]!.sha256, trials.device, trials.threads, memoryBudgetBytes, cpus()[0]?.model];
    const key = createHash("sha256").update(JSON.stringify(conditions)).digest("hex").slice(0, 32);
    let size = known[key];
    if (size === undefined) {
      const found = await trials.measure(name, memoryBudgetBytes);
      trials.onFound(name, found);
      known[key] = size = found.size;
      added = true;
    }
    sizes.set(name, size);
  }
  if (added && batchSizeFile !== undefined) await write(batchSizeFile, known);
  return sizes;
}

/** What earlier processes found; nothing when the file is not there, or is not what was written. */
async function readKnown(file: string): Promise<Record<string, number>> {
  try {
    const json = JSON.parse(await readFile(file, "utf8")) as unknown;
    if (typeof json !== "object" || json === null) return {};
    const sizes = Object.entries(json) as [string, unknown][];
    return Object.fromEntries(
      sizes.filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1]) && (entry[1] as number) > 0),
    );
  } catch {
    return {};
  }
}

/** Two processes may write at once; then one of them tries again another time. A full disk must not stop the work. */
async function write(file: string, known: Readonly<Record<string, number>>): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, JSON.stringify(known)).then(
    () => rename(temporary, file),
    () => undefined,
  );
}
