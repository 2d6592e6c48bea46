import type { Transferable } from "node:worker_threads";
import {
  InferenceClosedError,
  InferenceFailedError,
  InferenceWorkerLostError,
  ModelLoadFailedError,
  ProviderUnavailableError,
} from "../errors.js";
import type { InferenceWorkerData, InferenceWorkerRequest, LoadAnswer } from "./inference-worker.js";
import { externalDataFile, TEXT_ENCODER } from "./manifest.js";
import { packFile, type ModelPack } from "./pack.js";
import { modelSignatures } from "./signature.js";
import type { InputTensor, Tensor } from "./tensor.js";
import { WorkerLane } from "./worker-lane.js";
import { workerEntry, WorkerLostError, WorkerRequestError, WorkerThread } from "./worker-thread.js";

/** How the models run. */
export interface InferenceOptions {
  /** ONNX Runtime execution providers in order of preference, e.g. `["cuda", "cpu"]`. */
  executionProviders: readonly ("cpu" | "cuda")[];
  /** When a provider cannot load: go on with the CPU and say so once, or refuse. */
  whenProviderMissing: "fallback" | "refuse";
  /** CPU threads for the experts and the clip encoder, over all workers. */
  threads: number;
  /**
   * Worker threads that hold the experts and the clip encoder; they share `threads`.
   * @default one for each CPU thread as long as the models are small (see docs/decisions.md); 1 on a GPU
   */
  workers?: number;
}

/** The part of a logger the pool uses; a pino logger fits. */
export interface InferenceLogger {
  debug(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** Runs the ONNX graphs of one pack in worker threads. */
export interface InferencePool {
  /** Most runs that are worked on at the same time; a caller with more than that in flight only adds waiting. */
  readonly parallelism: number;
  /** The execution providers in use; known for certain after {@link InferencePool.warmUp}. */
  readonly executionProviders: readonly string[];
  /**
   * Runs one graph: an expert by its name, {@link CLIP_ENCODER} or {@link TEXT_ENCODER}.
   *
   * @param inputs handed over: their arrays are empty afterwards. Types and shapes as the manifest says, with
   *   a leading batch axis
   * @param signal takes the run out of the queue if it has not begun
   * @returns the outputs, by name
   * @throws InferenceFailedError wrong inputs, or the graph failed; InferenceWorkerLostError its thread ended
   *   (the next run gets a new one); ModelLoadFailedError, ProviderUnavailableError the thread could not open
   *   the graphs; InferenceClosedError the pool is closed
   */
  run(model: string, inputs: Record<string, InputTensor>, signal?: AbortSignal): Promise<Record<string, Tensor>>;
  /**
   * Opens all graphs in all threads, which otherwise happens when they are first needed.
   *
   * @throws ModelLoadFailedError, ProviderUnavailableError
   */
  warmUp(): Promise<void>;
  /** Ends all threads; runs in flight are rejected. */
  close(): Promise<void>;
}

/** Graphs are copied into every worker; together the copies should not take more than this. */
const MODEL_BYTES_OVER_ALL_WORKERS = 2 ** 30;

/**
 * Makes the pool of one pack. The text encoder has a thread of its own, on the CPU, so that a search never waits
 * behind a batch of an ingest; it is opened at once. The others are opened when they are first needed, or at
 * once when an execution provider other than the CPU has to be tried.
 *
 * @throws ModelLoadFailedError a graph is not what the manifest promises
 * @throws ProviderUnavailableError a provider cannot be used and `whenProviderMissing` is `refuse`
 */
export async function createInferencePool(
  pack: ModelPack,
  options: InferenceOptions,
  logger: InferenceLogger,
): Promise<InferencePool> {
  const pool = new WorkerInferencePool(pack, options, logger);
  try {
    await pool.open();
  } catch (error) {
    await pool.close();
    throw error;
  }
  return pool;
}

const entry = workerEntry(import.meta.url, "./inference-worker");

class WorkerInferencePool implements InferencePool {
  readonly parallelism: number;
  executionProviders: readonly string[];
  private readonly text: WorkerLane;
  private readonly batches: WorkerLane;
  private readonly signatures;
  private readonly threadsPerWorker: number;
  /** Settles when it is known which providers work; the first worker finds out for all. */
  private providersKnown: Promise<void> | undefined;

  constructor(
    private readonly pack: ModelPack,
    private readonly options: InferenceOptions,
    private readonly logger: InferenceLogger,
  ) {
    this.signatures = modelSignatures(pack.manifest);
    this.executionProviders = options.executionProviders;
    this.parallelism = options.workers ?? defaultWorkers(pack, options);
    this.threadsPerWorker = Math.max(1, Math.floor(options.threads / this.parallelism));
    this.text = new WorkerLane(1, () => this.startWorker([TEXT_ENCODER], 1, ["cpu"]));
    const others = Object.keys(this.signatures).filter((name) => name !== TEXT_ENCODER);
    this.batches = new WorkerLane(this.parallelism, () => this.startBatchWorker(others));
  }

  async open(): Promise<void> {
    const needsTrial = this.options.executionProviders.some((provider) => provider !== "cpu");
    await Promise.all([this.text.warmUp(), needsTrial ? this.batches.warmUp() : undefined]);
  }

  async run(model: string, inputs: Record<string, InputTensor>, signal?: AbortSignal): Promise<Record<string, Tensor>> {
    if (!Object.hasOwn(this.signatures, model))
      throw new InferenceFailedError(`The model pack ${this.pack.id} has no model "${model}".`);
    const lane = model === TEXT_ENCODER ? this.text : this.batches;
    const handedOver = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, ownBuffer(tensor)]));
    const buffers = new Set(Object.values(handedOver).map(({ data }) => data.buffer as Transferable));
    const request: InferenceWorkerRequest = { kind: "run", model, inputs: handedOver };
    try {
      return await lane.run<Record<string, Tensor>>(request, [...buffers], signal);
    } catch (error) {
      throw this.explain(model, error);
    }
  }

  async warmUp(): Promise<void> {
    await Promise.all([this.text.warmUp(), this.batches.warmUp()]);
  }

  async close(): Promise<void> {
    const reason = new InferenceClosedError("The models have been shut down.");
    await Promise.all([this.text.close(reason), this.batches.close(reason)]);
  }

  private explain(model: string, error: unknown): unknown {
    if (error instanceof WorkerLostError) {
      this.logger.warn({ model, reason: error.message }, "an inference thread was lost; a new one takes its place");
      return new InferenceWorkerLostError("A thread that runs the models ended unexpectedly. Try again.", {
        detail: error.message,
        cause: error,
      });
    }
    if (error instanceof WorkerRequestError) {
      return new InferenceFailedError(`The model "${model}" of ${this.pack.id} could not run: ${error.message}`, {
        cause: error,
      });
    }
    return error;
  }

  /** The first worker tries the providers; the others wait for it and take what works. */
  private async startBatchWorker(models: readonly string[]): Promise<WorkerThread> {
    const start = () => this.startWorker(models, this.threadsPerWorker, this.executionProviders);
    if (this.providersKnown !== undefined) {
      await this.providersKnown;
      return start();
    }
    const first = start().catch(async (error: unknown) => {
      if (!(error instanceof ProviderUnavailableError) || this.options.whenProviderMissing === "refuse") throw error;
      this.logger.warn(
        { asked: this.options.executionProviders, reason: error.detail },
        "the execution providers that were asked for cannot be used here; the models run on the CPU",
      );
      this.executionProviders = ["cpu"];
      return start();
    });
    this.providersKnown = first.then(
      () => undefined,
      () => {
        this.providersKnown = undefined;
      },
    );
    return first;
  }

  private async startWorker(
    models: readonly string[],
    threads: number,
    executionProviders: readonly string[],
  ): Promise<WorkerThread> {
    const began = performance.now();
    const data: InferenceWorkerData = {
      models: Object.fromEntries(
        models.map((name) => {
          const signature = this.signatures[name]!;
          return [name, { path: packFile(this.pack, signature.file), signature }];
        }),
      ),
      threads,
      executionProviders,
    };
    const thread = new WorkerThread(entry, data, "earshot-inference");
    try {
      const answer = await thread.request<LoadAnswer>({ kind: "load" } satisfies InferenceWorkerRequest);
      if (!answer.ok) throw this.loadError(answer, executionProviders);
    } catch (error) {
      await thread.close();
      throw error;
    }
    const milliseconds = Math.round(performance.now() - began);
    this.logger.debug({ models, threads, executionProviders, milliseconds }, "an inference thread is ready");
    return thread;
  }

  private loadError(answer: Extract<LoadAnswer, { ok: false }>, executionProviders: readonly string[]): Error {
    if (answer.fault === "provider") {
      return new ProviderUnavailableError(
        `The execution providers ${executionProviders.join(", ")} cannot be used here. Install what they need ` +
          '(for cuda: CUDA 12, cuDNN 9 and the CUDA build of onnxruntime-node), or set inference.executionProviders to ["cpu"].',
        { detail: answer.reason },
      );
    }
    return new ModelLoadFailedError(
      `The file "${answer.file}" of the model pack ${this.pack.id} cannot be loaded: ${answer.reason}.`,
    );
  }
}

/**
 * One worker per CPU thread: separate windows scale better than the inside of one small convolution. Fewer when
 * the graphs are so large that copies of them would fill the memory; then each worker has several threads.
 */
function defaultWorkers(pack: ModelPack, { threads, executionProviders }: InferenceOptions): number {
  if (executionProviders[0] === "cuda") return 1;
  const { experts, clipEncoder, files } = pack.manifest;
  const graphs = [...experts.map(({ file }) => file), clipEncoder.file];
  const weights = graphs.flatMap((file) => [file, externalDataFile(file)]);
  const bytes = weights.reduce((sum, file) => sum + (files[file]?.bytes ?? 0), 0);
  return Math.max(1, Math.min(threads, Math.floor(MODEL_BYTES_OVER_ALL_WORKERS / Math.max(1, bytes))));
}

/** Handing over a view would take the rest of its buffer away from the caller. */
function ownBuffer({ data, dims }: InputTensor): InputTensor {
  return { data: data.byteLength === data.buffer.byteLength ? data : data.slice(), dims };
}
