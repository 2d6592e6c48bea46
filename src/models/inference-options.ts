import type { ModelPack } from "./pack.js";

/** How the models of a pack run. */
export interface InferenceOptions {
  /** ONNX Runtime execution providers in order of preference, e.g. `["cuda", "cpu"]`. */
  executionProviders: readonly ("cpu" | "cuda")[];
  /** When a provider or a device cannot be used: go on without it and say so once, or refuse. */
  whenProviderMissing: "fallback" | "refuse";
  /** CPU threads for the experts and the clip encoder, over all sessions. */
  threads: number;
  /** Most windows in one run of an expert; "auto": found by trial runs. @default 32 */
  batchSize?: number | "auto";
  /** Bytes that the windows of one run may take, where the batch size is found by trial runs. @default 1 GiB */
  memoryBudgetBytes?: number;
  /**
   * Worker threads with a copy of the experts and the clip encoder, on each device; those on the CPU share `threads`.
   * @default 1 on a GPU; on the CPU one for each thread as long as the models are small (see docs/decisions.md)
   */
  sessionsPerDevice?: number | undefined;
  /** Numbers of the GPUs. @default [0] */
  cudaDeviceIds?: readonly number[];
  /** File that keeps what trial runs found. @default none: found anew by each process */
  batchSizeFile?: string;
  /** Whether a GPU may round to TF32. @default false */
  cudaTf32?: boolean;
  /** Exceptions for packs, by id or name. */
  packs?: Readonly<Record<string, PackException>>;
}

/** What an exception may change. */
type PackException = {
  [Field in keyof Omit<InferenceOptions, "packs" | "batchSizeFile" | "cudaTf32">]?: InferenceOptions[Field] | undefined;
};

/** The options that hold for a pack: the exception for its id over the one for its name over the rest. */
export function optionsForPack(options: InferenceOptions, pack: Pick<ModelPack, "id" | "manifest">): InferenceOptions {
  const { packs = {}, ...general } = options;
  const exceptions = [pack.manifest.name, pack.id].map((key) => (Object.hasOwn(packs, key) ? packs[key]! : {}));
  const given = exceptions.flatMap((exception) =>
    Object.entries(exception).filter(([, value]) => value !== undefined),
  );
  return { ...general, ...(Object.fromEntries(given) as Partial<InferenceOptions>) };
}
