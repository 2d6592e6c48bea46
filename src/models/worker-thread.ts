import { parentPort, Worker, workerData, type Transferable } from "node:worker_threads";
import { haltBeforeExit, RequestGate } from "./worker-gate.js";

/** The thread ended, or could not be reached, before it answered. */
export class WorkerLostError extends Error {
  override readonly name = "WorkerLostError";
}

/** An error that was thrown inside the thread while it worked on a request. */
export class WorkerRequestError extends Error {
  override readonly name = "WorkerRequestError";
}

/** Thrown by a handler in a thread that must not go on: the thread ends, and what it was asked to do with it. */
export class WorkerBrokenError extends Error {
  override readonly name = "WorkerBrokenError";
}

interface RequestMessage {
  id: number;
  body: unknown;
}

/** Tells the thread to end. */
const CLOSE = "close";

/** What a thread is made with. */
interface ThreadData {
  gate: SharedArrayBuffer;
  data: unknown;
}

type AnswerMessage = { id: number; result: unknown } | { id: number; error: { message: string; stack?: string } };

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * A worker thread that answers requests, one after the other, in the order they were made.
 *
 * A thread that ends by itself rejects what is pending with WorkerLostError, refuses later requests, and has to
 * be replaced. An idle thread does not keep the process alive.
 */
export class WorkerThread {
  private readonly worker: Worker;
  private readonly pending = new Map<number, Pending>();
  private nextId = 0;
  private readonly gate = new RequestGate();
  private readonly exited: Promise<void>;
  private loss: WorkerLostError | undefined;
  private readonly lossListeners: (() => void)[] = [];

  /**
   * @param entry the module the thread runs, see {@link workerEntry}
   * @param data given to the thread, see {@link threadData}
   * @param name shown in debuggers and process lists
   */
  constructor(entry: URL, data: unknown, name: string) {
    const start = fromSources(entry.href) ? withTypeScript(entry) : entry;
    const given: ThreadData = { gate: this.gate.shared, data };
    this.worker = new Worker(start, { workerData: given, name, execArgv: [] });
    this.worker.unref();
    this.worker.on("message", (answer: AnswerMessage) => this.settle(answer));
    this.worker.on("messageerror", (error) => {
      this.lose(`sent an unreadable answer: ${error.message}`, error);
      this.worker.postMessage(CLOSE);
    });
    this.worker.on("error", (error) => this.lose(describe(error), error));
    const forget = haltBeforeExit(this.gate);
    this.exited = new Promise((resolve) => {
      this.worker.on("exit", (code) => {
        forget();
        this.lose(`ended with exit code ${code}`);
        resolve();
      });
    });
  }

  /** Calls back once the thread has ended (at once if it has), before its pending requests are rejected. */
  whenLost(listener: () => void): void {
    if (this.loss === undefined) this.lossListeners.push(listener);
    else listener();
  }

  /**
   * Sends a request and waits for its answer.
   *
   * @param transfer buffers handed over to the thread; they are empty here afterwards
   * @throws WorkerRequestError the thread refused the request; WorkerLostError the thread ended
   */
  request<Result>(body: unknown, transfer: readonly Transferable[] = []): Promise<Result> {
    if (this.loss !== undefined) return Promise.reject(this.loss);
    return new Promise<Result>((resolve, reject) => {
      const id = this.nextId++;
      this.worker.postMessage({ id, body } satisfies RequestMessage, transfer);
      if (this.pending.size === 0) this.worker.ref();
      this.pending.set(id, { resolve, reject });
    });
  }

  /**
   * Rejects what is pending and ends the thread as soon as the request it works on is done. `terminate()` would be
   * quicker, but in the middle of a run of ONNX Runtime it aborts the whole process (an uncaught Napi::Error).
   */
  async close(): Promise<void> {
    this.lose("was closed");
    this.gate.close();
    this.worker.ref();
    this.worker.postMessage(CLOSE);
    await this.exited;
  }

  private settle(answer: AnswerMessage): void {
    const waiting = this.pending.get(answer.id);
    if (waiting === undefined) return;
    this.pending.delete(answer.id);
    if (this.pending.size === 0) this.worker.unref();
    if ("result" in answer) {
      waiting.resolve(answer.result);
      return;
    }
    const error = new WorkerRequestError(answer.error.message);
    if (answer.error.stack !== undefined) error.stack = answer.error.stack;
    waiting.reject(error);
  }

  private lose(what: string, cause?: unknown): void {
    if (this.loss !== undefined) return;
    this.loss = new WorkerLostError(`The worker thread ${what}.`, { cause });
    this.worker.unref();
    for (const listener of this.lossListeners) listener();
    for (const waiting of this.pending.values()) waiting.reject(this.loss);
    this.pending.clear();
  }
}

/** What a thread's handler gives back: the answer, and the buffers to hand over with it. */
export interface WorkerAnswer {
  result: unknown;
  transfer?: readonly Transferable[];
}

/** The thread's side of {@link WorkerThread}: answers requests one at a time, in order. */
export function serveRequests(handle: (request: unknown) => Promise<WorkerAnswer>): void {
  const port = parentPort;
  if (port === null) throw new Error("this module runs in a worker thread only");
  const gate = new RequestGate((workerData as ThreadData).gate);
  // ONNX Runtime gives way to the message port before it runs, so order has to be kept by a chain.
  let last: Promise<void> = Promise.resolve();
  port.on("message", (message: RequestMessage | typeof CLOSE) => {
    // In a thread this ends the thread only. Messages arrive between native runs, never inside one.
    if (message === CLOSE) process.exit();
    const { id, body } = message;
    last = last.then(async () => {
      if (!gate.enter()) return;
      try {
        const { result, transfer = [] } = await handle(body);
        port.postMessage({ id, result } satisfies AnswerMessage, transfer);
      } catch (error) {
        if (error instanceof WorkerBrokenError) {
          gate.close();
          // Outside of the promise, where nobody catches it: that ends the thread, and its owner is told.
          queueMicrotask(() => {
            throw error;
          });
          return;
        }
        const { message, stack } = error instanceof Error ? error : new Error(String(error));
        const told = stack === undefined ? { message } : { message, stack };
        port.postMessage({ id, error: told } satisfies AnswerMessage);
      } finally {
        gate.leave();
      }
    });
  });
}

/** Inside a thread: what it was made with. */
export function threadData(): unknown {
  return (workerData as ThreadData).data;
}

/**
 * Address of a worker module that lies beside the calling one: `name.ts` when it runs from TypeScript sources
 * (tests, development), `name.js` when it was compiled.
 *
 * @param base the caller's `import.meta.url`
 */
export function workerEntry(base: string, name: string): URL {
  return new URL(`${name}${fromSources(base) ? ".ts" : ".js"}`, base);
}

function fromSources(url: string): boolean {
  return new URL(url).pathname.endsWith(".ts");
}

/**
 * Sources need tsx inside the thread as well, and a thread has no loader for its own entry module (Node 20):
 * so the entry is a line of JavaScript that registers tsx and then imports the TypeScript.
 */
function withTypeScript(entry: URL): URL {
  const tsx = import.meta.resolve("tsx/esm/api");
  const bootstrap = `import { register } from "${tsx}"; register(); await import("${entry.href}");`;
  return new URL(`data:text/javascript,${encodeURIComponent(bootstrap)}`);
}

function describe(error: unknown): string {
  return `failed: ${error instanceof Error ? error.message : String(error)}`;
}
