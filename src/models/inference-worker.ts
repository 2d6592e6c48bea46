/** The thread that holds ONNX sessions and runs them. `run()` and `create()` block it; that is what it is for. */
import { env, InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { batchOf, joined, rowsOf, trialData } from "./batches.js";
import { findBatchSize, type BatchSize, type Trial } from "./batch-trial.js";
import { deviceName, type Device } from "./devices.js";
import { checkSession, checkTensors, typeOf, type ModelSignature, type Ports } from "./signature.js";
import type { InputTensor, Tensor } from "./tensor.js";
import { serveRequests, threadData, WorkerBrokenError, type WorkerAnswer } from "./worker-thread.js";

/** Given to the thread when it is made. */
export interface InferenceWorkerData {
  /** Absolute path and signature of each model the thread holds, by name. */
  models: Record<string, { path: string; signature: ModelSignature }>;
  /** Threads of one session. */
  threads: number;
  device: Device;
}

/** `load` opens all sessions; `run` runs one; `measure` finds how many windows one should be given at once. */
export type InferenceWorkerRequest =
  | { kind: "load" }
  | { kind: "run"; model: string; inputs: Record<string, InputTensor> }
  | { kind: "measure"; model: string; budgetBytes: number };

/** Answer to `load`: nothing, or what could not be loaded and whether a graph or a provider is at fault. */
export type LoadAnswer = { ok: true } | { ok: false; fault: "provider" | "graph"; file: string; reason: string };

/** Answer to `run`. */
export type RunAnswer =
  | {
      outputs: Record<string, Tensor>;
      seconds: number;
      /** Rows of the largest batch that still fits into the memory, when that was found just now. */
      newLimit?: number;
    }
  /** Not even one row fits. */
  | { outOfMemory: string };

/** Answer to `measure`. */
export type MeasureAnswer = BatchSize;

const { models, threads, device } = threadData() as InferenceWorkerData;
const sessions = new Map<string, InferenceSession>();
/** Most rows of a run, for the models whose memory ran short. */
const limits = new Map<string, number>();

// Errors reach the caller as exceptions; the runtime's own lines on stderr would only repeat them.
env.logLevel = "fatal";

async function load(): Promise<LoadAnswer> {
  for (const [name, { path, signature }] of Object.entries(models)) {
    let session: InferenceSession;
    try {
      session = await openSession(path, device);
    } catch (error) {
      const fault = (await opensOnCpu(path)) ? "provider" : "graph";
      return { ok: false, fault, file: signature.file, reason: reasonOf(error) };
    }
    try {
      checkSession(signature, session);
    } catch (error) {
      return { ok: false, fault: "graph", file: signature.file, reason: reasonOf(error) };
    }
    sessions.set(name, session);
  }
  return { ok: true };
}

function openSession(path: string, on: Device): Promise<InferenceSession> {
  return InferenceSession.create(path, {
    // What a GPU cannot do, ONNX Runtime does on the CPU.
    executionProviders: on === "cpu" ? ["cpu"] : [{ name: "cuda", deviceId: on.cuda }, "cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    // Idle threads must sleep, not spin: the decoder and other workers need the cores.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  });
}

/** Whether the graph itself is sound, so that a failure to load it is the provider's. */
async function opensOnCpu(path: string): Promise<boolean> {
  if (device === "cpu") return false;
  try {
    await (await openSession(path, "cpu")).release();
    return true;
  } catch {
    return false;
  }
}

function sessionOf(model: string): { session: InferenceSession; signature: ModelSignature } {
  const session = sessions.get(model);
  const signature = models[model]?.signature;
  if (session === undefined || signature === undefined) throw new Error(`there is no model "${model}" in this thread`);
  return { session, signature };
}

async function run(model: string, inputs: Record<string, InputTensor>): Promise<WorkerAnswer> {
  const { session, signature } = sessionOf(model);
  checkTensors("input", signature.inputs, inputs);
  const started = performance.now();
  const limitBefore = limits.get(model);
  let outputs: Record<string, Tensor>;
  try {
    outputs = await runWithinMemory(model, (part) => runOnce(session, signature, part), inputs);
  } catch (error) {
    if (!isOutOfMemory(error)) throw device === "cpu" ? error : brokenBy(error);
    return { result: { outOfMemory: reasonOf(error) } satisfies RunAnswer };
  }
  checkTensors("output", signature.outputs, outputs);
  const newLimit = limits.get(model);
  const result: RunAnswer = { outputs, seconds: (performance.now() - started) / 1000 };
  if (newLimit !== undefined && newLimit !== limitBefore) result.newLimit = newLimit;
  return { result, transfer: Object.values(outputs).map(({ data }) => data.buffer as ArrayBuffer) };
}

/** Runs a batch in parts that fit: whole at first, then in halves of what did not. The size that fits is remembered. */
async function runWithinMemory(
  model: string,
  runPart: (inputs: Record<string, InputTensor>) => Promise<Record<string, Tensor>>,
  inputs: Record<string, InputTensor>,
): Promise<Record<string, Tensor>> {
  const batch = batchOf(inputs);
  const parts: Record<string, Tensor>[] = [];
  for (let done = 0; done < batch || parts.length === 0; ) {
    const size = Math.min(batch - done, limits.get(model) ?? Infinity);
    try {
      parts.push(await runPart(size === batch ? inputs : rowsOf(inputs, done, done + size)));
      done += size;
    } catch (error) {
      if (size <= 1 || !isOutOfMemory(error)) throw error;
      limits.set(model, Math.floor(size / 2));
    }
  }
  return joined(parts);
}

async function runOnce(
  session: InferenceSession,
  { outputs }: ModelSignature,
  inputs: Record<string, InputTensor>,
): Promise<Record<string, Tensor>> {
  const feeds: Record<string, OrtTensor> = {};
  for (const [name, { data, dims }] of Object.entries(inputs)) feeds[name] = new OrtTensor(typeOf(data), data, dims);
  const found = await session.run(feeds, Object.keys(outputs));
  const tensors = Object.entries(found).map(([name, tensor]): [string, Tensor] => [
    name,
    { data: tensor.data as Float32Array, dims: tensor.dims },
  ]);
  return Object.fromEntries(tensors);
}

/** Finds how many rows a model should be given at once; see {@link findBatchSize}. */
async function measure(model: string, budgetBytes: number): Promise<MeasureAnswer> {
  const { session, signature } = sessionOf(model);
  const { inputs, outputs } = signature;
  const limits = { budgetBytes, leastBytesPerWindow: bytesOf(inputs) + bytesOf(outputs) };
  if (device === "cpu") return findBatchSize((windows) => attempt(session, signature, windows), limits);
  // The memory of a GPU cannot be asked for from here: the same tensors are allocated, and measured, on the CPU.
  const onCpu = await openSession(models[model]!.path, "cpu");
  try {
    return await findBatchSize(async (windows) => {
      const memory = windows > FEW_WINDOWS ? 0 : (await attempt(onCpu, signature, windows))?.memory;
      const trial = await attempt(session, signature, windows);
      return trial === undefined || memory === undefined ? undefined : { seconds: trial.seconds, memory };
    }, limits);
  } finally {
    await onCpu.release();
  }
}

/** Windows up to which a GPU's trial is made on the CPU, too. */
const FEW_WINDOWS = 4;

/** A run that takes longer is not repeated. */
const SLOW_SECONDS = 0.5;

/** One trial: the quicker of two runs, for the first one allocates. */
async function attempt(
  session: InferenceSession,
  signature: ModelSignature,
  windows: number,
): Promise<Trial | undefined> {
  const inputs = Object.entries(signature.inputs).map(([name, { type, shape }]): [string, InputTensor] => {
    const dims = [windows, ...shape];
    return [name, { data: trialData(type, dims.reduce((product, length) => product * length, 1)), dims }];
  });
  let seconds = Infinity;
  try {
    for (let round = 0; round < 2; round++) {
      const started = performance.now();
      await runOnce(session, signature, Object.fromEntries(inputs));
      seconds = Math.min(seconds, (performance.now() - started) / 1000);
      if (seconds > SLOW_SECONDS) break;
    }
  } catch (error) {
    if (isOutOfMemory(error)) return undefined;
    throw error;
  }
  return { seconds, memory: process.memoryUsage.rss() };
}

function bytesOf(ports: Ports): number {
  return Object.values(ports).reduce(
    (sum, { type, shape }) => sum + shape.reduce((product, length) => product * length, type === "uint8" ? 1 : 4),
    0,
  );
}

/**
 * What the runtime says when memory runs short: its arena, the C++ library, CUDA, cuBLAS and cuDNN each in its own way. The
 * binding passes on the text alone.
 */
function isOutOfMemory(error: unknown): boolean {
  return /out of memory|failed to allocate memory|bad_?alloc|ALLOC_FAILED|MEMORY_ALLOCATION/i.test(reasonOf(error));
}

/** A GPU that failed once, e.g. by an illegal access, fails in every later run of the same context. */
function brokenBy(error: unknown): WorkerBrokenError {
  return new WorkerBrokenError(`a run on ${deviceName(device)} failed: ${reasonOf(error)}`, { cause: error });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

serveRequests(async (body) => {
  const request = body as InferenceWorkerRequest;
  if (request.kind === "load") return { result: await load() };
  if (request.kind === "measure") return { result: await measure(request.model, request.budgetBytes) };
  return run(request.model, request.inputs);
});
