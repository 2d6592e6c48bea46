import { availableParallelism } from "node:os";
import { z } from "zod";

const count = z.int().positive();

/** The same fields, each of which may be left out and then is not filled in. */
function withoutDefaults<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>) {
  const bare = Object.entries(schema.shape).map(([name, field]) => [
    name,
    (field instanceof z.ZodDefault ? field.unwrap() : field) as z.ZodType,
  ]);
  return z.strictObject(Object.fromEntries(bare) as Undefaulted<Shape>).partial();
}

type Undefaulted<Shape extends z.ZodRawShape> = {
  [Name in keyof Shape]: Shape[Name] extends z.ZodDefault<infer Inner> ? Inner : Shape[Name];
};

/** How one pack's models run. */
const modelRunSchema = z.strictObject({
  /** ONNX Runtime execution providers in order of preference. @default ["cpu"] */
  executionProviders: z
    .array(z.enum(["cpu", "cuda"]))
    .min(1)
    .readonly()
    .default(["cpu"]),
  /**
   * What to do when a provider or a device that was asked for cannot be used: go on without it and say so once, or refuse
   * to start.
   * @default "fallback"
   */
  whenProviderMissing: z.enum(["fallback", "refuse"]).default("fallback"),
  /** CPU threads for inference. @default the number of cores */
  threads: count.default(availableParallelism()),
  /**
   * Most windows in one run of an expert. More is faster up to a point, and takes more memory. "auto": as many as make it
   * faster and fit into `memoryBudgetBytes`, found for each expert by trial runs when it is first needed, and kept in the
   * data directory.
   * @default 32
   */
  batchSize: z.union([count, z.literal("auto")], 'must be a whole number above 0, or "auto"').default(32),
  /**
   * Memory that the windows of one run may take beside the model itself, in bytes, for each session; on a GPU, of the GPU.
   * Only `batchSize: "auto"` heeds it. @default 1073741824 (1 GiB)
   */
  memoryBudgetBytes: count.default(1024 ** 3),
  /**
   * Sessions of the experts on each device; each holds a copy of the models and works on a batch of its own.
   * @default 1 on a GPU; on the CPU one for each thread as long as the copies are small
   */
  sessionsPerDevice: count.optional(),
  /** Numbers of the GPUs, as CUDA counts them. @default [0] */
  cudaDeviceIds: z.array(z.int().min(0)).min(1).readonly().default([0]),
});

/** How the models run. */
export const inferenceSchema = z.strictObject({
  ...modelRunSchema.shape,
  /**
   * Whether a GPU may round to TF32 (10 bits of mantissa), which is faster and not the same as on the CPU. Where it may
   * not, NVIDIA_TF32_OVERRIDE=0 is set for the whole process before the first model is opened. @default false
   */
  cudaTf32: z.boolean().default(false),
  /**
   * Exceptions, by the pack's id (`name@version`) or its name; the id wins. What an exception leaves out is as above.
   * @default {}
   */
  packs: z.record(z.string().min(1), withoutDefaults(modelRunSchema)).default({}),
});
