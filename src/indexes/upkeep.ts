import { toCatalogError, type VectorWriteRecord } from "../catalog/index.js";
import type { Logger } from "../config/index.js";
import { EarshotError } from "../errors.js";
import { Rounds } from "../timing/index.js";
import { finishDrop, type DropParts } from "./drop.js";

/** What the upkeep works with. */
export interface UpkeepParts extends DropParts {
  logger: Pick<Logger, "info" | "error">;
}

/** When the upkeep works, in seconds. */
export interface UpkeepTimes {
  /** Between two looks; doubled after each that fails. */
  interval: number;
  /** Longest pause while the engine or the database is away. */
  longestPause: number;
  /** After which another process takes up what this one took up and did not finish. */
  lease: number;
}

const usualTimes: UpkeepTimes = { interval: 10, longestPause: 120, lease: 60 };

/** Rows that are taken up at a time. */
const batchSize = 32;

/**
 * Does in the vector engine what processes have left undone: removes the points of writes that were given up, of replaced
 * generations and of deleted videos, and finishes the removal of indexes. Searches are right without it; it keeps dead
 * points from piling up. Any number of processes may do this on one database; each step may be repeated.
 */
export class VectorUpkeep {
  private readonly times: UpkeepTimes;
  private readonly rounds: Rounds;
  private readonly stopping = new AbortController();
  /** Rows that failed for a reason of their own, which is logged once. */
  private readonly troubled = new Set<string>();

  constructor(
    private readonly parts: UpkeepParts,
    times: Partial<UpkeepTimes> = {},
  ) {
    this.times = { ...usualTimes, ...times };
    const { logger } = parts;
    this.rounds = new Rounds({
      round: () => this.look(),
      pauseMs: () => 1000 * this.times.interval,
      longestPauseMs: 1000 * this.times.longestPause,
      // Once an outage: it is told when it is over.
      onTrouble: (error) => {
        logger.error({ err: error }, "the upkeep of the vector index pauses");
      },
      onRecovery: () => {
        logger.info({}, "the upkeep of the vector index goes on");
      },
    });
  }

  /** Looks now, and from now on. Does nothing the second time. */
  start(): void {
    this.rounds.start();
  }

  /** Ends the looks; resolves when the last one has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.rounds.stop();
  }

  /**
   * Does all that is due now, once.
   *
   * @returns number of rows that were done with
   * @throws what keeps it from going on: the engine or the database is away
   */
  async run(): Promise<number> {
    let done = 0;
    const tried = new Set<string>();
    const stopped = () => this.stopping.signal.aborted;
    while (!stopped()) {
      const due = await this.parts.catalog.vectorWrites.takeDue(batchSize, this.times.lease);
      const rows = due.filter(({ id }) => !tried.has(id));
      if (rows.length === 0) break;
      // The removal of an index takes long.
      for (const row of rows.sort((a, b) => Number(a.state === "DROPPED") - Number(b.state === "DROPPED"))) {
        // What is left of a batch is taken up again when its lease is over.
        if (stopped()) break;
        tried.add(row.id);
        if (await this.finish(row)) done += 1;
      }
    }
    return done;
  }

  private async look(): Promise<void> {
    const done = await this.run();
    if (done > 0) this.parts.logger.info({ done }, "the vector index was rid of what processes had left behind");
  }

  private async finish(row: VectorWriteRecord): Promise<boolean> {
    const { catalog, vectors, logger } = this.parts;
    try {
      if (row.state === "DROPPED") {
        await finishDrop(this.parts, row, this.stopping.signal);
      } else {
        await vectors.sweepVideo(row.indexId, row.videoId);
        await catalog.vectorWrites.remove(row.id);
      }
      this.troubled.delete(row.id);
      return true;
    } catch (error) {
      if (this.stopping.signal.aborted) return false;
      const known = toCatalogError(error);
      // An index that cannot be removed may be the only thing that is wrong.
      if (known instanceof EarshotError && known.outage && row.state !== "DROPPED") throw error;
      if (!this.troubled.has(row.id)) {
        logger.error(
          { err: error, ...row },
          "something outstanding in the vector index cannot be done; it is tried again",
        );
      }
      this.troubled.add(row.id);
      return false;
    }
  }
}
