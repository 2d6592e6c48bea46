/** The thread that holds ONNX sessions and runs them. `run()` and `create()` block it; that is what it is for. */
import { env, InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { checkSession, checkTensors, typeOf, type ModelSignature } from "./signature.js";
import type { InputTensor, Tensor } from "./tensor.js";
import { serveRequests, threadData, type WorkerAnswer } from "./worker-thread.js";

/** Given to the thread when it is made. */
export interface InferenceWorkerData {
  /** Absolute path and signature of each model the thread holds, by name. */
  models: Record<string, { path: string; signature: ModelSignature }>;
  /** Threads of one session. */
  threads: number;
  executionProviders: readonly string[];
}

/** `load` opens all sessions; `run` runs one. */
export type InferenceWorkerRequest =
  | { kind: "load" }
  | { kind: "run"; model: string; inputs: Record<string, InputTensor> };

/** Answer to `load`: nothing, or what could not be loaded and whether a graph or a provider is at fault. */
export type LoadAnswer = { ok: true } | { ok: false; fault: "provider" | "graph"; file: string; reason: string };

const { models, threads, executionProviders } = threadData() as InferenceWorkerData;
const sessions = new Map<string, InferenceSession>();

// Errors reach the caller as exceptions; the runtime's own lines on stderr would only repeat them.
env.logLevel = "fatal";

async function load(): Promise<LoadAnswer> {
  for (const [name, { path, signature }] of Object.entries(models)) {
    let session: InferenceSession;
    try {
      session = await openSession(path, executionProviders);
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

function openSession(path: string, providers: readonly string[]): Promise<InferenceSession> {
  return InferenceSession.create(path, {
    executionProviders: [...providers],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    // Idle threads must sleep, not spin: the decoder and other workers need the cores.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  });
}

/** Whether the graph itself is sound, so that a failure to load it is the provider's. */
async function opensOnCpu(path: string): Promise<boolean> {
  if (executionProviders.every((provider) => provider === "cpu")) return false;
  try {
    await (await openSession(path, ["cpu"])).release();
    return true;
  } catch {
    return false;
  }
}

async function run(model: string, inputs: Record<string, InputTensor>): Promise<WorkerAnswer> {
  const session = sessions.get(model);
  const signature = models[model]?.signature;
  if (session === undefined || signature === undefined) throw new Error(`there is no model "${model}" in this thread`);
  checkTensors("input", signature.inputs, inputs);
  const feeds: Record<string, OrtTensor> = {};
  for (const [name, { data, dims }] of Object.entries(inputs)) feeds[name] = new OrtTensor(typeOf(data), data, dims);
  const found = await session.run(feeds, Object.keys(signature.outputs));
  const result: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(found)) result[name] = { data: tensor.data as Float32Array, dims: tensor.dims };
  checkTensors("output", signature.outputs, result);
  return { result, transfer: Object.values(result).map(({ data }) => data.buffer as ArrayBuffer) };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

serveRequests(async (body) => {
  const request = body as InferenceWorkerRequest;
  return request.kind === "load" ? { result: await load() } : run(request.model, request.inputs);
});
