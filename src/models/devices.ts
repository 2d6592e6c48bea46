import type { InferenceOptions } from "./inference-options.js";
import { externalDataFile } from "./manifest.js";
import type { ModelPack } from "./pack.js";

/** Where a session runs: the processor, or a GPU by its number. */
export type Device = "cpu" | { cuda: number };

/** `cpu` or `cuda:<number>`, for people and metrics. */
export function deviceName(device: Device): string {
  return device === "cpu" ? "cpu" : `cuda:${device.cuda}`;
}

/** The GPUs that were asked for; none when the models are to run on the CPU. */
export function gpusAskedFor({ executionProviders, cudaDeviceIds = [0] }: InferenceOptions): Device[] {
  return executionProviders.includes("cuda") ? [...new Set(cudaDeviceIds)].map((cuda) => ({ cuda })) : [];
}

/** Graphs are copied into every worker; together the copies should not take more than this. */
const MODEL_BYTES_OVER_ALL_WORKERS = 2 ** 30;

/**
 * Sessions on the CPU unless told otherwise: one for each thread, for separate windows scale better than the inside of one
 * small convolution. Fewer when the graphs are so large that copies of them would fill the memory; then each has several
 * threads.
 */
export function sessionsOnCpu({ manifest }: Pick<ModelPack, "manifest">, threads: number): number {
  const { experts, clipEncoder, files } = manifest;
  const graphs = [...experts.map(({ file }) => file), clipEncoder.file];
  const weights = graphs.flatMap((file) => [file, externalDataFile(file)]);
  const bytes = weights.reduce((sum, file) => sum + (files[file]?.bytes ?? 0), 0);
  return Math.max(1, Math.min(threads, Math.floor(MODEL_BYTES_OVER_ALL_WORKERS / Math.max(1, bytes))));
}
