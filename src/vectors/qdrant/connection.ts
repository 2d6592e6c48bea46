import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { QdrantClient } from "@qdrant/js-client-rest";
import { Agent } from "undici";
import type { QdrantOptions } from "../../config/index.js";
import { InvalidOptionsError, VectorIndexUnavailableError } from "../../errors.js";
import { AttemptTimedOut, isPassing, NotQdrant, retryAfterSeconds, toVectorError } from "./failures.js";

/** The client's functions, one for each request of Qdrant's REST interface. */
export type QdrantApi = ReturnType<QdrantClient["api"]>;

/** What goes into each call of the client. */
interface CallSettings {
  /** Second argument of the client's functions. */
  init: object;
  /** Whole seconds after which the server may give up: the `timeout` parameter of most requests. */
  timeout: number;
}

/** One request. Resolves with what was asked for, or undefined if the answer has no such thing. */
export type QdrantCall<Result> = (api: QdrantApi, settings: CallSettings) => Promise<Result | undefined>;

/** Longest time a connection may take to be made, in milliseconds. */
const CONNECT_TIMEOUT = 5000;

/** Longest wait between two attempts, in seconds. */
const LONGEST_WAIT = 5;

/**
 * Requests to one Qdrant server: with a time-out each, repeated where that is safe and of use, and with Earshot's errors.
 *
 * The client's own time-outs take the place of a caller's signal, and its version check writes to the console; so both
 * are switched off, and every call brings its own signal.
 */
export class QdrantConnection {
  private readonly closing = new AbortController();

  private constructor(
    private readonly api: QdrantApi,
    private readonly agent: Agent,
    private readonly options: QdrantOptions,
  ) {}

  /**
   * Prepares for requests; none is sent yet.
   *
   * @throws InvalidOptionsError when the CA file cannot be read
   */
  static async open(options: QdrantOptions): Promise<QdrantConnection> {
    const ca = options.caFile === undefined ? {} : { ca: await readCaFile(options.caFile) };
    const client = new QdrantClient({
      ...addressOf(options.url),
      // As a header, for the client warns on the console about a key over http; our options do that.
      ...(options.apiKey === undefined ? {} : { headers: { "api-key": options.apiKey } }),
      timeout: Infinity,
      checkCompatibility: false,
    });
    const agent = new Agent({
      connections: options.maxConnections,
      connect: { timeout: CONNECT_TIMEOUT, ...ca },
      // Longer than any time-out of ours.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return new QdrantConnection(client.api(), agent, options);
  }

  /** Sends a request that changes nothing. */
  read<Result>(call: QdrantCall<Result>, signal?: AbortSignal): Promise<Result> {
    return this.send(call, this.options.readTimeoutSeconds, this.options.retries, signal);
  }

  /** Sends a request that may be done twice, or later than another one, without harm. */
  write<Result>(call: QdrantCall<Result>, signal?: AbortSignal): Promise<Result> {
    return this.send(call, this.options.writeTimeoutSeconds, this.options.retries, signal);
  }

  /** Sends a request that must not be repeated. */
  once<Result>(call: QdrantCall<Result>): Promise<Result> {
    return this.send(call, this.options.writeTimeoutSeconds, 0);
  }

  /** Gives up the requests in flight and closes all connections. Requests after it are refused. */
  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort(new VectorIndexUnavailableError("The vector index has been closed."));
    await this.agent.destroy();
  }

  /** Whether {@link close} was called. */
  get isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  private async send<Result>(
    call: QdrantCall<Result>,
    timeoutSeconds: number,
    retries: number,
    signal?: AbortSignal,
  ): Promise<Result> {
    // What is repeated must not take for ever: no attempt begins after the time-out of the first one.
    const deadline = performance.now() + 1000 * timeoutSeconds;
    for (let failed = 0; ;) {
      try {
        return await this.attempt(call, timeoutSeconds, signal);
      } catch (error) {
        this.closing.signal.throwIfAborted();
        signal?.throwIfAborted();
        failed++;
        const delay = this.retryDelay(failed, error);
        if (failed > retries || !isPassing(error) || performance.now() + delay > deadline) throw toVectorError(error);
        await wait(delay, undefined, { signal: this.closing.signal }).catch(() => undefined);
      }
    }
  }

  private async attempt<Result>(
    call: QdrantCall<Result>,
    timeoutSeconds: number,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    const controller = new AbortController();
    const timer = setTimeout(() => {
      controller.abort(new AttemptTimedOut(`no answer within ${timeoutSeconds} s`));
    }, 1000 * timeoutSeconds);
    // By hand: AbortSignal.any would keep hold of each request for as long as the caller's signal lives.
    const sources = [this.closing.signal, ...(signal === undefined ? [] : [signal])];
    const abort = () => controller.abort(sources.find(({ aborted }) => aborted)?.reason);
    for (const source of sources) source.addEventListener("abort", abort, { once: true });
    if (sources.some(({ aborted }) => aborted)) abort();
    try {
      controller.signal.throwIfAborted();
      // A redirect would carry the API key to who knows whom.
      const init: object = { signal: controller.signal, dispatcher: this.agent, redirect: "error" };
      const result = await call(this.api, { init, timeout: Math.ceil(timeoutSeconds) });
      if (result === undefined || result === null) throw new NotQdrant("the answer is not one of Qdrant's");
      return result;
    } catch (error) {
      controller.signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
      for (const source of sources) source.removeEventListener("abort", abort);
    }
  }

  /** Milliseconds: doubling, up to a half of it off at random, so that processes do not come back all at once. */
  private retryDelay(failed: number, error: unknown): number {
    const doubled = this.options.retryDelaySeconds * 2 ** (failed - 1) * (1 - Math.random() / 2);
    return 1000 * Math.max(retryAfterSeconds(error), Math.min(doubled, LONGEST_WAIT));
  }
}

/** The client's fields for an address. The port is Qdrant's own unless the address names one, as all its clients do. */
function addressOf(text: string): { url: string; port: number; prefix: string } {
  const url = new URL(text);
  // URL drops a port that is the protocol's usual one, but whoever writes ":443" means it.
  const written = /^https?:\/\/[^/?#]*:(\d+)(?=[/?#]|$)/i.exec(text)?.[1];
  return {
    url: `${url.protocol}//${url.hostname}`,
    port: written === undefined ? 6333 : Number(written),
    prefix: url.pathname.replace(/\/+$/, ""),
  };
}

async function readCaFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new InvalidOptionsError("Invalid options: vectors.qdrant.caFile: cannot be read.", {
      detail: String(error),
      cause: error,
    });
  }
}
