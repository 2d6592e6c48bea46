import type { Catalog, CatalogTransaction } from "../catalog/index.js";
import type { Logger } from "../config/index.js";
import type { BorrowedRuntime, PackRuntime, PackRuntimes } from "../encoding/index.js";
import { EarshotError, LivePackMissingError, PackElsewhereError } from "../errors.js";
import { findPack, flatDimension, readPackManifest, type PackPlaces } from "../models/index.js";
import type { VectorIndex } from "../vectors/index.js";
import { chooseIndex } from "./choose-index.js";
import { createIndex } from "./drop.js";

/** What the live index is found with. */
export interface LiveIndexParts {
  catalog: Catalog;
  vectors: VectorIndex;
  runtimes: PackRuntimes;
  /** Where model packs lie; the default one is taken for an empty library. */
  places: PackPlaces;
  logger: Logger;
}

/**
 * How the pack in use here fits the index in use. "live": it is that index's pack. "stand-in": that index's pack was
 * nowhere at the start, the default pack is used in its place. "behind": another process changed over to an index whose
 * pack is not here; searches still use the one before.
 */
type Fit = "live" | "stand-in" | "behind";

interface Current {
  /** The index in use, as the database has it. */
  liveId: string;
  runtime: BorrowedRuntime;
  fit: Fit;
}

/** Longest time until a change by another process is noticed, in milliseconds. */
const MAX_AGE_MS = 500;

/** Time between two looks for a pack that was not here, in milliseconds. */
const RETRY_MS = 10_000;

/**
 * The index that searches use and ingests fill, with the models that belong to it. The database says which one it is,
 * so that all processes change over together.
 */
export class LiveIndex {
  private lookedAt = performance.now();
  /** When a pack that is not here was looked for. */
  private soughtAt = performance.now();
  /** Number of the look that began last, and of the last one that was heeded. */
  private begun = 0;
  private heeded = 0;
  /** The change to another index that goes on. */
  private changing: Promise<void> | undefined;
  /** Whether it was told that the change fails. */
  private troubled = false;
  private searching = false;
  private closed = false;

  private constructor(
    private readonly parts: LiveIndexParts,
    private current: Current,
  ) {}

  /**
   * Finds the index in use and opens its pack. An empty library takes the default pack; so does, in the stead of its
   * own, a library whose pack is nowhere.
   *
   * @throws the errors of model packs, models, vector engine and catalog
   */
  static async open(parts: LiveIndexParts): Promise<LiveIndex> {
    const { catalog, runtimes, places, logger } = parts;
    const { name, version } = await readPackManifest(places.modelPack);
    const defaultId = `${name}@${version}`;
    const liveId = await chooseIndex(catalog, defaultId, logger);
    const folder = liveId === defaultId ? places.modelPack : await findPack(liveId, places);
    if (folder !== null && liveId !== defaultId) {
      logger.warn(
        { index: liveId, modelPack: defaultId },
        `searches and ingests use the index ${liveId}; the option modelPack names ${defaultId}. ` +
          `Let modelPack name the pack in use, or run "earshot reindex --pack ${defaultId}" to change over`,
      );
    }
    const runtime = await runtimes.borrow(folder ?? places.modelPack);
    const live = new LiveIndex(parts, { liveId, runtime, fit: folder === null ? "stand-in" : "live" });
    if (folder === null) logger.error({ index: liveId, modelPack: defaultId }, live.health().message);
    await makeIndex(parts, runtime);
    return live;
  }

  /** The models in use here as last known; for what takes no runtime along. */
  get runtime(): PackRuntime {
    return this.current.runtime;
  }

  /**
   * Reads the index in use into memory, for an engine that searches there, and from now on each one before it is changed
   * over to.
   *
   * @throws VectorIndexNotFoundError, VectorIndexUnavailableError
   */
  async load(): Promise<void> {
    this.searching = true;
    await this.prepare(this.current.runtime.pack.id);
  }

  /**
   * Reads an index into memory where this process searches, so that the first search in it need not wait.
   *
   * @throws VectorIndexNotFoundError, VectorIndexUnavailableError
   */
  async prepare(indexId: string): Promise<void> {
    if (this.searching) await this.parts.vectors.load(indexId);
  }

  /**
   * Does something with the models of the index in use, which stay open meanwhile; their pack's id is the index's. What
   * uses them so is taken for a search.
   */
  async use<T>(work: (runtime: PackRuntime) => Promise<T>): Promise<T> {
    this.searching = true;
    const runtime = await this.borrow();
    try {
      return await work(runtime);
    } finally {
      runtime.release();
    }
  }

  /**
   * The models of the index in use, to be released. As long as another index is being opened, they are those of the one
   * before.
   */
  async borrow(): Promise<BorrowedRuntime> {
    if (performance.now() - this.lookedAt > MAX_AGE_MS) await this.notice();
    return this.current.runtime.share();
  }

  /**
   * The models of the index that an ingest fills, to be released.
   *
   * @throws LivePackMissingError the pack of the index in use is not here
   * @throws VectorIndexUnavailableError, the errors of models and catalog: the index in use cannot be opened now
   */
  async borrowForIngest(): Promise<BorrowedRuntime> {
    await this.look();
    if (this.current.fit === "behind") throw new LivePackMissingError(this.health().message);
    return this.current.runtime.share();
  }

  /**
   * The models of any index, to be released.
   *
   * @throws PackElsewhereError its pack is not here
   */
  async borrowPackOf(indexId: string): Promise<BorrowedRuntime> {
    const { runtime } = this.current;
    if (runtime.pack.id === indexId) return runtime.share();
    const folder = await findPack(indexId, this.parts.places);
    if (folder !== null) return this.parts.runtimes.borrow(folder);
    throw new PackElsewhereError(
      `The model pack ${indexId} is not on this machine. Put it into a folder of modelPackRoots.`,
    );
  }

  /** Whether ingests fill the index now. */
  async isFilled(indexId: string): Promise<boolean> {
    await this.look();
    return this.current.fit !== "behind" && this.current.runtime.pack.id === indexId;
  }

  /** In the transaction that commits an ingest: whether the index is still the one to fill. */
  async accepts(tx: CatalogTransaction, indexId: string): Promise<boolean> {
    const { liveId, fit, runtime } = this.current;
    const found = await this.parts.catalog.liveIndex.find(tx);
    return found === indexId || (fit === "stand-in" && found === liveId && indexId === runtime.pack.id);
  }

  /**
   * Looks which index is in use now, and changes over to it.
   *
   * @throws VectorIndexUnavailableError, the errors of models and catalog: the one before stays in use, the next look tries
   *   again
   */
  async look(): Promise<void> {
    await this.notice();
    while (this.changing !== undefined) {
      await this.changing;
      await this.notice();
    }
  }

  /** Waits for a change that goes on, and begins no other. */
  async close(): Promise<void> {
    this.closed = true;
    await this.changing?.catch(() => undefined);
  }

  /** Whether searches and ingests use the index that they should. */
  health(): { ok: boolean; message: string } {
    const { liveId, fit, runtime } = this.current;
    const { id } = runtime.pack;
    if (fit === "live") return { ok: true, message: id };
    const put = `Put the pack ${liveId} into a folder of modelPackRoots`;
    const message =
      fit === "stand-in"
        ? `The library was indexed with the model pack ${liveId}, which is not here; ${id} stands in for it, and searches ` +
          `find only what was indexed with that. ${put}, or run "earshot reindex --pack ${id}" to index the library anew.`
        : `The index in use is ${liveId}, whose model pack is not here; searches go on with ${id}, and ingest jobs are ` +
          `left to others. ${put}.`;
    return { ok: true, message };
  }

  /** Looks which index is in use now, and begins to change over to it. */
  private async notice(): Promise<void> {
    const number = ++this.begun;
    // Of those who find it too long ago, one looks.
    this.lookedAt = performance.now();
    const liveId = await this.parts.catalog.liveIndex.find();
    // What a look that began later has seen is newer.
    if (number < this.heeded) return;
    this.heeded = number;
    if (liveId === null || this.closed || this.changing !== undefined || !this.isDue(liveId)) return;
    const changing = this.changeTo(liveId).finally(() => {
      this.changing = undefined;
    });
    this.changing = changing;
    changing.then(
      () => {
        this.troubled = false;
      },
      (error: unknown) => {
        this.tellTrouble(liveId, error);
      },
    );
  }

  /** Whether another index is to be changed over to, or a pack to be looked for again. */
  private isDue(liveId: string): boolean {
    if (liveId !== this.current.liveId) return true;
    return this.current.fit !== "live" && performance.now() - this.soughtAt > RETRY_MS;
  }

  private async changeTo(liveId: string): Promise<void> {
    const { logger } = this.parts;
    const { runtime: before } = this.current;
    const next = before.pack.id === liveId ? before.share() : await this.openPack(liveId);
    this.soughtAt = performance.now();
    if (next === null) {
      if (liveId === this.current.liveId) return;
      this.current = { liveId, runtime: before, fit: "behind" };
      logger.error({ index: liveId, stillUsed: before.pack.id }, this.health().message);
      return;
    }
    try {
      await makeIndex(this.parts, next);
      await this.prepare(liveId);
    } catch (error) {
      next.release();
      throw error;
    }
    this.current = { liveId, runtime: next, fit: "live" };
    before.release();
    logger.info({ index: liveId, before: before.pack.id }, "searches and ingests have changed over to another index");
  }

  private tellTrouble(index: string, error: unknown): void {
    if (!this.troubled && !this.closed) {
      this.parts.logger.error(
        { err: error, index, stillUsed: this.current.runtime.pack.id },
        "the index in use cannot be opened; searches go on with the one before, and it is tried again",
      );
    }
    this.troubled = true;
  }

  /** Null when the pack is not here or cannot be opened. */
  private async openPack(id: string): Promise<BorrowedRuntime | null> {
    const { runtimes, places, logger } = this.parts;
    const folder = await findPack(id, places);
    if (folder === null) return null;
    try {
      return await runtimes.borrow(folder);
    } catch (error) {
      if (!(error instanceof EarshotError)) throw error;
      logger.error(
        { err: error, detail: error.detail, index: id },
        "the model pack of the index in use cannot be opened",
      );
      return null;
    }
  }
}

function makeIndex(parts: LiveIndexParts, { pack }: PackRuntime): Promise<void> {
  return createIndex(parts, { id: pack.id, dimension: flatDimension(pack.manifest) });
}
