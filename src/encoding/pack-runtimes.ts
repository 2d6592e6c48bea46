import { realpath } from "node:fs/promises";
import type { Logger, ResolvedOptions } from "../config/index.js";
import { createInferencePool, loadModelPack, type InferencePool, type ModelPack } from "../models/index.js";
import { observeNothing, type Observe } from "../telemetry/index.js";
import { createEncoder } from "./encoder.js";
import type { FeatureCache } from "./feature-cache.js";
import type { Encoder } from "./types.js";

/** A model pack that is open. */
export interface PackRuntime {
  readonly pack: ModelPack;
  readonly inference: InferencePool;
  /** Made of all experts. */
  readonly encoder: Encoder;
}

/** A runtime that stays open until it is released. */
export interface BorrowedRuntime extends PackRuntime {
  /** Borrows the runtime once more; it has not been released yet. */
  share(): BorrowedRuntime;
  /** Gives the runtime back; does nothing the second time. */
  release(): void;
}

/** How packs are opened. */
export type RuntimeOptions = Pick<ResolvedOptions, "inference" | "ingest" | "search">;

/** How long a pack stays open that nobody uses, in milliseconds: from one job of a re-index to the next. */
const IDLE_MS = 30_000;

interface OpenRuntime {
  runtime: Promise<PackRuntime>;
  users: number;
  /** Closes it when the time is over. */
  idle: NodeJS.Timeout | undefined;
}

/**
 * The model packs that are open in this process, each once however many use it. One is opened when it is first borrowed
 * and closed a while after everyone has released it.
 */
export class PackRuntimes {
  private readonly open = new Map<string, OpenRuntime>();
  private readonly closing = new Set<Promise<void>>();
  private closed = false;

  /** @param onIdle told of each pack that is closed because nobody has used it for a while */
  constructor(
    private readonly options: RuntimeOptions,
    private readonly logger: Logger,
    private readonly observe: Observe = observeNothing,
    private readonly cache?: FeatureCache,
    private readonly onIdle: (packId: string) => void = () => undefined,
  ) {}

  /**
   * Opens a pack, or shares it when it is open.
   *
   * @param directory folder of the pack
   * @throws the errors of model packs and models
   */
  async borrow(directory: string): Promise<BorrowedRuntime> {
    if (this.closed) throw new Error("the model packs have been closed");
    const key = await realpath(directory).catch(() => directory);
    const opened = this.open.get(key) ?? this.begin(key, directory);
    const release = this.countUser(key, opened);
    try {
      return this.handOut(key, opened, await opened.runtime, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Closes all packs, whoever still uses them. */
  async close(): Promise<void> {
    this.closed = true;
    for (const [key, opened] of this.open) this.end(key, opened);
    await Promise.all(this.closing);
  }

  private handOut(key: string, opened: OpenRuntime, runtime: PackRuntime, release: () => void): BorrowedRuntime {
    const share = () => this.handOut(key, opened, runtime, this.countUser(key, opened));
    return { ...runtime, release, share };
  }

  /** @returns takes the user off again, once */
  private countUser(key: string, opened: OpenRuntime): () => void {
    clearTimeout(opened.idle);
    opened.users += 1;
    let counted = true;
    return () => {
      if (!counted) return;
      counted = false;
      opened.users -= 1;
      if (opened.users > 0 || this.closed) return;
      opened.idle = setTimeout(() => {
        this.end(key, opened);
        opened.runtime.then(
          ({ pack }) => {
            this.onIdle(pack.id);
          },
          // One that could not be opened: whoever asked for it was told.
          () => undefined,
        );
      }, IDLE_MS).unref();
    };
  }

  private begin(key: string, directory: string): OpenRuntime {
    const opened: OpenRuntime = { runtime: this.load(directory), users: 0, idle: undefined };
    this.open.set(key, opened);
    // One that cannot be opened is tried again by the next who asks.
    opened.runtime.catch(() => {
      if (this.open.get(key) === opened) this.open.delete(key);
    });
    return opened;
  }

  private async load(directory: string): Promise<PackRuntime> {
    const { inference: inferenceOptions, ingest, search } = this.options;
    const pack = await loadModelPack(directory);
    const inference = await createInferencePool(pack, inferenceOptions, this.logger, this.observe);
    const encoder = createEncoder(pack, inference, {
      silenceThreshold: ingest.silenceThreshold,
      queryCacheSize: search.queryCacheSize,
      observe: this.observe,
      cache: this.cache,
    });
    return { pack, inference, encoder };
  }

  private end(key: string, opened: OpenRuntime): void {
    clearTimeout(opened.idle);
    if (this.open.get(key) === opened) this.open.delete(key);
    const closing: Promise<void> = opened.runtime
      .then(
        ({ inference }) => inference.close(),
        () => undefined,
      )
      .catch((error: unknown) => {
        this.logger.warn({ err: error }, "a model pack could not be closed");
      })
      .finally(() => this.closing.delete(closing));
    this.closing.add(closing);
  }
}
