import { toCatalogError, type ReindexRecord } from "../catalog/index.js";
import type { Logger } from "../config/index.js";
import { Rounds } from "../timing/index.js";

/** Pause between two looks at a re-index that has done what it can, in milliseconds: they go over all videos. */
const READY_PAUSE_MS = 30_000;

/** Longest pause while the database is away, in milliseconds. */
const LONGEST_PAUSE_MS = 60_000;

/**
 * Rounds that keep the re-index that goes on supplied with jobs, in every process that works on jobs. Wake them when a job
 * has ended.
 *
 * @param look carries the re-index on
 * @param pollSeconds time between two looks for a re-index that another process began
 */
export function reindexRounds(look: () => Promise<ReindexRecord | null>, pollSeconds: number, logger: Logger): Rounds {
  let isReady = false;
  return new Rounds({
    round: async () => {
      isReady = (await look())?.state === "READY";
    },
    pauseMs: () => (isReady ? READY_PAUSE_MS : pollSeconds * 1000),
    longestPauseMs: LONGEST_PAUSE_MS,
    // Once an outage: the next looks try again.
    onTrouble: (error) => {
      logger.warn({ err: toCatalogError(error) }, "a re-index cannot be carried on for now");
    },
    onRecovery: () => {
      logger.info("the looks for a re-index go on");
    },
  });
}
