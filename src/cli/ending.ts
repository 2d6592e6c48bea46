import type { Logger } from "../config/index.js";
import type { Earshot } from "../earshot.js";
import type { StopOptions } from "../queue/index.js";
import { endsWithin } from "../timing/index.js";

/** Time beyond that which jobs are given, for work that was told to end and for a database that is slow, in milliseconds. */
const stoppingGraceMs = 50_000;

/** Time for closing what is open, in milliseconds. */
const closingGraceMs = 10_000;

/** How a process ends. */
export interface Ending extends StopOptions {
  logger: Logger;
  /** Milliseconds for closing; a test waits for less. @default 10 s */
  closingMs?: number | undefined;
}

/** Gives jobs back, now or after a while, and closes everything. What hangs meanwhile cannot hold the process: it exits with 1. */
export async function endEarshot(earshot: Earshot, { logger, closingMs = closingGraceMs, ...stop }: Ending) {
  const stoppingMs = 1000 * (stop.finishSeconds ?? 0) + stoppingGraceMs;
  await endOrExit(earshot.stopWorking(stop), stoppingMs, logger);
  await endOrExit(earshot.close(), closingMs, logger);
}

async function endOrExit(work: Promise<unknown>, milliseconds: number, logger: Logger): Promise<void> {
  if (await endsWithin(work, milliseconds)) return;
  logger.error({ seconds: milliseconds / 1000 }, "something does not end; the process is ended all the same");
  process.exit(1);
}
