import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../config/index.js";
import type { Earshot } from "../earshot.js";
import { EarshotError, PackFileMissingError, PackNotFoundError } from "../errors.js";
import { startWorkerServer, type SteppedTermination } from "../server/index.js";
import type { Console } from "./console.js";

/** Longest time between two tries to open everything, in seconds. */
const longestWaitSeconds = 15;

/** Time for closing a process whose work does not end, in milliseconds. */
const closingGraceMs = 10_000;

/** How a worker is run. */
export interface WorkerOptions {
  /** Opens everything. */
  open: () => Promise<Earshot>;
  logger: Logger;
  /** How the process is asked to end. */
  termination: SteppedTermination;
  /** Seconds to wait for a database, vector engine or model pack that is away. @default as long as it takes */
  waitSeconds?: number;
}

/**
 * `earshot worker`: works on ingest jobs and evaluations until it is asked to end. Then it takes no more, lets those that
 * run go on for `ingest.shutdownSeconds`, and gives the rest back.
 *
 * @returns the exit code: 0, or 1 when a job does not end and only a new process helps
 * @throws what kept it from starting
 */
export async function workerCommand({ open, logger, termination, waitSeconds }: WorkerOptions, out: Console) {
  const { asked, hurry } = termination;
  const ended = new AbortController();
  void asked.then(() => {
    ended.abort();
  });
  const earshot = await openWhenAtHand(open, logger, waitSeconds ?? Infinity, ended.signal);
  if (earshot === null) return 0;
  const { server, ingest } = earshot.options;
  try {
    const stuck = once(earshot.ingest.events, "stuck", { signal: ended.signal }).catch(() => undefined);
    const health =
      server.healthPort === undefined ? null : await startWorkerServer(earshot, server.healthPort, server.host);
    if (health !== null) out.print(`Health: ${health.url}/health`);
    await earshot.start({ search: false });
    out.print("Working.");
    const why = await Promise.race([asked, stuck.then(() => "stuck" as const)]);
    await earshot.stopWorking({ finishSeconds: ingest.shutdownSeconds, hurry });
    await health?.close();
    if (why !== "stuck") return 0;
    // What hangs may also keep the process from closing.
    await Promise.race([earshot.close(), delay(closingGraceMs)]);
    process.exit(1);
  } finally {
    await earshot.close();
  }
}

/** Opens everything, however long a part of it is away. Null when the process was asked to end meanwhile. */
async function openWhenAtHand(
  open: () => Promise<Earshot>,
  logger: Logger,
  waitSeconds: number,
  signal: AbortSignal,
): Promise<Earshot | null> {
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  let said: string | undefined;
  for (let wait = 1; !signal.aborted; wait = Math.min(2 * wait, longestWaitSeconds)) {
    try {
      const earshot = await open();
      if (said !== undefined) logger.info({ seconds: elapsed() }, "everything is at hand now");
      return earshot;
    } catch (error) {
      if (!(error instanceof EarshotError) || !mayCome(error)) throw error;
      if (elapsed() + wait > waitSeconds) throw error;
      if (error.code !== said) logger.error({ code: error.code, detail: error.detail }, `waiting: ${error.message}`);
      said = error.code;
      await delay(wait * 1000, undefined, { signal }).catch(() => undefined);
    }
  }
  return null;
}

/** Whether something is away that may come later: another container, a volume. */
function mayCome(error: EarshotError): boolean {
  return error.retryable || error instanceof PackNotFoundError || error instanceof PackFileMissingError;
}
