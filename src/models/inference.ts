import type { Transferable } from "node:worker_threads";
import {
  InferenceClosedError,
  InferenceFailedError,
  InferenceOutOfMemoryError,
  InferenceWorkerLostError,
  ModelLoadFailedError,
  ProviderUnavailableError,
} from "../errors.js";
import { observeNothing, secondsSince, type Observe } from "../telemetry/index.js";
import { batchOf } from "./batches.js";
import { batchSizes, DEFAULT_BATCH_SIZE } from "./batch-sizes.js";
import { forbidTf32, missingForCuda } from "./cuda.js";
import { deviceName, gpusAskedFor, sessionsOnCpu, type Device } from "./devices.js";
import { optionsForPack, type InferenceOptions } from "./inference-options.js";
import type {
  InferenceWorkerData,
  InferenceWorkerRequest,
  LoadAnswer,
  MeasureAnswer,
  RunAnswer,
} from "./inference-worker.js";
import { TEXT_ENCODER } from "./manifest.js";
import { packFile, type ModelPack } from "./pack.js";
import { modelSignatures } from "./signature.js";
import type { InputTensor, Tensor } from "./tensor.js";
import { WorkerLane } from "./worker-lane.js";
import { workerEntry, WorkerLostError, WorkerRequestError, WorkerThread } from "./worker-thread.js";

export type { InferenceOptions } from "./inference-options.js";

/** The part of a logger the pool uses; a pino logger fits. */
export interface InferenceLogger {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** Runs the ONNX graphs of one pack in worker threads. */
export interface InferencePool {
  /**
   * Most runs that are worked on at the same time; a caller with more than that in flight only adds waiting. It becomes
   * less when a session cannot be opened.
   */
  readonly parallelism: number;
  /** The execution providers in use. */
  readonly executionProviders: readonly string[];
  /** Where the experts run: `cpu`, or `cuda:<number>` for each GPU in use. */
  readonly devices: readonly string[];
  /** Why not everything that was asked for is in use; undefined when it is. */
  readonly shortfall: string | undefined;
  /**
   * Windows that a run of each expert should be given, by its name. Where they are to be found by trial runs, the first call
   * makes them. Never fails: whatever ails the models is said by the runs.
   */
  batchSizes(): Promise<ReadonlyMap<string, number>>;
  /**
   * Runs one graph: an expert by its name, {@link CLIP_ENCODER} or {@link TEXT_ENCODER}. A batch for which the memory does
   * not suffice is run in smaller parts.
   *
   * @param inputs handed over: their arrays are empty afterwards. Types and shapes as the manifest says, with
   *   a leading batch axis
   * @param signal takes the run out of the queue if it has not begun
   * @returns the outputs, by name
   * @throws InferenceFailedError wrong inputs, or the graph failed; InferenceOutOfMemoryError not even one window fits;
   *   InferenceWorkerLostError its thread ended, or its GPU failed (the next run gets a new one); ModelLoadFailedError,
   *   ProviderUnavailableError the thread could not open the graphs; InferenceClosedError the pool is closed
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

/**
 * Makes the pool of one pack. The text encoder has a thread of its own, on the CPU, so that a search never waits
 * behind a batch of an ingest; it is opened at once. The others are opened when they are first needed, or at
 * once on a GPU.
 *
 * @throws ModelLoadFailedError a graph is not what the manifest promises
 * @throws ProviderUnavailableError a provider or device cannot be used and `whenProviderMissing` is `refuse`
 */
export async function createInferencePool(
  pack: ModelPack,
  options: InferenceOptions,
  logger: InferenceLogger,
  observe: Observe = observeNothing,
): Promise<InferencePool> {
  const pool = new WorkerInferencePool(pack, optionsForPack(options, pack), logger, observe);
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
  parallelism = 1;
  devices: readonly string[] = [];
  executionProviders: readonly string[] = [];
  shortfall: string | undefined;
  private readonly text: WorkerLane;
  private batches: WorkerLane | undefined;
  private readonly signatures;
  private readonly batchModels: readonly string[];
  private threadsPerSession = 1;
  /** Threads that were opened to see whether their device works, by place. */
  private readonly opened = new Map<number, WorkerThread>();
  private sizes: Promise<Map<string, number>> | undefined;

  constructor(
    private readonly pack: ModelPack,
    private readonly options: InferenceOptions,
    private readonly logger: InferenceLogger,
    private readonly observe: Observe,
  ) {
    this.signatures = modelSignatures(pack.manifest);
    this.batchModels = Object.keys(this.signatures).filter((name) => name !== TEXT_ENCODER);
    this.text = new WorkerLane({ size: 1, start: () => this.startWorker([TEXT_ENCODER], 1, "cpu") });
  }

  async open(): Promise<void> {
    await Promise.all([this.text.warmUp(), this.openBatches()]);
  }

  async run(model: string, inputs: Record<string, InputTensor>, signal?: AbortSignal): Promise<Record<string, Tensor>> {
    if (!Object.hasOwn(this.signatures, model))
      throw new InferenceFailedError(`The model pack ${this.pack.id} has no model "${model}".`);
    const batch = batchOf(inputs);
    const handedOver = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, ownBuffer(tensor)]));
    const buffers = new Set(Object.values(handedOver).map(({ data }) => data.buffer as Transferable));
    const request: InferenceWorkerRequest = { kind: "run", model, inputs: handedOver };
    const answer = await this.request<RunAnswer>(model, request, [...buffers], signal);
    if ("outOfMemory" in answer) throw this.outOfMemory(model, answer.outOfMemory);
    const { outputs, seconds, newLimit } = answer;
    const device = model === TEXT_ENCODER ? "cpu" : this.devices[0]!;
    this.observe({ kind: "inference", model, device, batch, seconds });
    if (newLimit !== undefined) await this.lowerBatchSize(model, newLimit);
    return outputs;
  }

  batchSizes(): Promise<ReadonlyMap<string, number>> {
    this.sizes ??= batchSizes(this.pack, this.options, {
      device: this.devices[0] ?? "cpu",
      threads: this.threadsPerSession,
      measure: (model, budgetBytes) => this.request<MeasureAnswer>(model, { kind: "measure", model, budgetBytes }),
      onFound: (expert, { size, bytesPerWindow }) => {
        const details = { expert, batchSize: size, bytesPerWindow, devices: this.devices };
        this.logger.info(details, "the batch size of an expert was found by trial runs");
      },
    }).catch((error: unknown) => {
      this.logger.warn({ err: error }, "batch sizes could not be found by trial runs; the usual one is taken");
      return new Map(this.pack.manifest.experts.map(({ name }) => [name, DEFAULT_BATCH_SIZE]));
    });
    return this.sizes;
  }

  async warmUp(): Promise<void> {
    await Promise.all([this.text.warmUp(), this.batches?.warmUp()]);
  }

  async close(): Promise<void> {
    const reason = new InferenceClosedError("The models have been shut down.");
    // Those that no place has taken over.
    const unused = [...this.opened.values()].map((thread) => thread.close());
    this.opened.clear();
    await Promise.all([this.text.close(reason), this.batches?.close(reason), ...unused]);
  }

  private async request<Answer>(
    model: string,
    request: InferenceWorkerRequest,
    transfer: readonly Transferable[] = [],
    signal?: AbortSignal,
  ): Promise<Answer> {
    const lane = model === TEXT_ENCODER ? this.text : this.batches!;
    try {
      return await lane.run<Answer>(request, transfer, signal);
    } catch (error) {
      throw this.explain(model, error);
    }
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

  private outOfMemory(model: string, detail: string): InferenceOutOfMemoryError {
    return new InferenceOutOfMemoryError(
      `There is not enough memory to run the model "${model}" of ${this.pack.id} over even one window. Give the server more ` +
        "memory, or run fewer sessions (inference.sessionsPerDevice).",
      { detail },
    );
  }

  private async lowerBatchSize(model: string, limit: number): Promise<void> {
    this.observe({ kind: "batch-reduced", model });
    this.logger.warn(
      { model, batchSize: limit, devices: this.devices },
      "memory ran short: the batch was run in smaller parts, and later ones of this model are no larger",
    );
    const sizes = await this.sizes;
    const size = sizes?.get(model);
    if (size !== undefined && size > limit) sizes?.set(model, limit);
  }

  /** Finds out which of the devices that were asked for work, by opening the models there. */
  private async openBatches(): Promise<void> {
    const gpus = gpusAskedFor(this.options);
    if (gpus.length > 0 && this.options.cudaTf32 !== true) forbidTf32();
    const working: Device[] = [];
    const failures: ProviderUnavailableError[] = [];
    const { threads, sessionsPerDevice = 1 } = this.options;
    const threadsEach = Math.max(1, Math.floor(threads / (sessionsPerDevice * gpus.length)));
    for (const device of gpus) {
      const thread = await this.startWorker(this.batchModels, threadsEach, device).catch((error: unknown) => {
        if (!(error instanceof ProviderUnavailableError)) throw error;
        failures.push(error);
      });
      if (thread !== undefined) this.opened.set(working.push(device) - 1, thread);
    }
    if (failures.length > 0) await this.goOnWithout(failures, working);
    this.placeSessions(working.length > 0 ? working : ["cpu"]);
  }

  /** Says in one line what was tried and what is missing; refuses when it is to. */
  private async goOnWithout(failures: readonly ProviderUnavailableError[], working: readonly Device[]): Promise<void> {
    const missing = await missingForCuda();
    const asked = gpusAskedFor(this.options).map(deviceName).join(", ");
    const why = missing.length > 0 ? missing.join("; ") : (failures[0]?.detail ?? "no reason was given");
    this.shortfall = `CUDA was asked for (${asked}) and cannot be used: ${why}`;
    if (this.options.whenProviderMissing === "refuse") {
      throw new ProviderUnavailableError(
        `${this.shortfall}. Mend that (see docs/gpu.md), or set inference.executionProviders to ["cpu"], or ` +
          'inference.whenProviderMissing to "fallback" to go on without it.',
        { detail: failures.map(({ detail }) => detail).join("\n") },
      );
    }
    const instead = working.length > 0 ? working.map(deviceName).join(", ") : "the CPU";
    this.logger.warn(
      { asked, reasons: failures.map(({ detail }) => detail) },
      `${this.shortfall}; the models run on ${instead}`,
    );
  }

  private placeSessions(devices: readonly Device[]): void {
    const onCpu = devices.includes("cpu");
    const { threads, sessionsPerDevice } = this.options;
    const sessions = sessionsPerDevice ?? (onCpu ? sessionsOnCpu(this.pack, threads) : 1);
    this.devices = devices.map(deviceName);
    this.executionProviders = onCpu ? ["cpu"] : ["cuda", "cpu"];
    this.parallelism = sessions * devices.length;
    this.threadsPerSession = Math.max(1, Math.floor(threads / this.parallelism));
    this.batches = new WorkerLane({
      size: this.parallelism,
      start: async (place) => {
        const opened = this.opened.get(place);
        this.opened.delete(place);
        return opened ?? this.startWorker(this.batchModels, this.threadsPerSession, devices[place % devices.length]!);
      },
      // For example when the memory of a GPU does not suffice for a second copy of the models.
      goesOnWithout: (error) => error instanceof ProviderUnavailableError,
      onSmaller: (size, error) => {
        this.parallelism = size;
        const { detail } = error as ProviderUnavailableError;
        this.logger.warn({ sessions: size, detail }, "a session of the models cannot be opened; they go on with fewer");
      },
    });
  }

  private async startWorker(models: readonly string[], threads: number, device: Device): Promise<WorkerThread> {
    const began = performance.now();
    const data: InferenceWorkerData = {
      models: Object.fromEntries(
        models.map((name) => {
          const signature = this.signatures[name]!;
          return [name, { path: packFile(this.pack, signature.file), signature }];
        }),
      ),
      threads,
      device,
    };
    const thread = new WorkerThread(entry, data, "earshot-inference");
    try {
      const answer = await thread.request<LoadAnswer>({ kind: "load" } satisfies InferenceWorkerRequest);
      if (!answer.ok) throw this.loadError(answer, device);
    } catch (error) {
      await thread.close();
      throw error;
    }
    const seconds = secondsSince(began);
    this.observe({ kind: "model-load", device: deviceName(device), seconds });
    this.logger.debug({ models, threads, device: deviceName(device), seconds }, "an inference thread is ready");
    return thread;
  }

  private loadError(answer: Extract<LoadAnswer, { ok: false }>, device: Device): Error {
    if (answer.fault === "provider") {
      return new ProviderUnavailableError(`The models cannot be opened on ${deviceName(device)}.`, {
        detail: `${deviceName(device)}: ${answer.reason}`,
      });
    }
    return new ModelLoadFailedError(
      `The file "${answer.file}" of the model pack ${this.pack.id} cannot be loaded: ${answer.reason}.`,
    );
  }
}

/** Handing over a view would take the rest of its buffer away from the caller. */
function ownBuffer({ data, dims }: InputTensor): InputTensor {
  return { data: data.byteLength === data.buffer.byteLength ? data : data.slice(), dims };
}
