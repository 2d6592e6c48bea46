import { parentPort, Worker, type TransferListItem } from "node:worker_threads";

/** The thread ended, or could not be reached, before it answered. */
export class WorkerLostError extends Error {
  override readonly name = "WorkerLostError";
}

/** An error that was thrown inside the thread while it worked on a request. */
export class WorkerRequestError extends Error {
  override readonly name = "WorkerRequestError";
}

interface RequestMessage {
  id: number;
  body: unknown;
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
  private loss: WorkerLostError | undefined;
  private readonly lossListeners: (() => void)[] = [];

  /**
   * @param entry the module the thread runs, see {@link workerEntry}
   * @param data handed to the thread as `workerData`
   * @param name shown in debuggers and process lists
   */
  constructor(entry: URL, data: unknown, name: string) {
    const start = fromSources(entry.href) ? withTypeScript(entry) : entry;
    this.worker = new Worker(start, { workerData: data, name, execArgv: [] });
    this.worker.unref();
    this.worker.on("message", (answer: AnswerMessage) => this.settle(answer));
    this.worker.on("messageerror", (error) => this.lose(`sent an unreadable answer: ${error.message}`, error));
    this.worker.on("error", (error) => this.lose(describe(error), error));
    this.worker.on("exit", (code) => this.lose(`ended with exit code ${code}`));
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
  request<Result>(body: unknown, transfer: readonly TransferListItem[] = []): Promise<Result> {
    if (this.loss !== undefined) return Promise.reject(this.loss);
    return new Promise<Result>((resolve, reject) => {
      const id = this.nextId++;
      this.worker.postMessage({ id, body } satisfies RequestMessage, transfer);
      if (this.pending.size === 0) this.worker.ref();
      this.pending.set(id, { resolve: resolve as (result: unknown) => void, reject });
    });
  }

  /** Ends the thread at once; what is pending is rejected. */
  async close(): Promise<void> {
    this.lose("was closed");
    await this.worker.terminate();
  }

  private settle(answer: AnswerMessage): void {
    const waiting = this.pending.get(answer.id);
    if (waiting === undefined) return;
    this.pending.delete(answer.id);
    if (this.pending.size === 0) this.worker.unref();
    if ("result" in answer) return waiting.resolve(answer.result);
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
  transfer?: readonly TransferListItem[];
}

/** The thread's side of {@link WorkerThread}: answers requests one at a time, in order. */
export function serveRequests<Request>(handle: (request: Request) => Promise<WorkerAnswer>): void {
  const port = parentPort;
  if (port === null) throw new Error("this module runs in a worker thread only");
  // ONNX Runtime gives way to the message port before it runs, so order has to be kept by a chain.
  let last: Promise<void> = Promise.resolve();
  port.on("message", ({ id, body }: RequestMessage) => {
    last = last.then(async () => {
      try {
        const { result, transfer = [] } = await handle(body as Request);
        port.postMessage({ id, result } satisfies AnswerMessage, transfer);
      } catch (error) {
        const { message, stack } = error instanceof Error ? error : new Error(String(error));
        const told = stack === undefined ? { message } : { message, stack };
        port.postMessage({ id, error: told } satisfies AnswerMessage);
      }
    });
  });
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
