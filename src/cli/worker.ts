import { once } from "node:events";
import type { Earshot } from "../earshot.js";
import { PackFileMissingError, PackNotFoundError, type EarshotError } from "../errors.js";
import { startEarly, type EarlyServer, type SteppedTermination } from "../server/index.js";
import { openWhenAtHand, type Opening } from "./at-hand.js";
import type { Console } from "./console.js";
import { endEarshot, type Ending } from "./ending.js";

/** How a worker is run. */
export interface WorkerOptions extends Omit<Opening, "mayCome">, Pick<Ending, "closingMs"> {
  /** How the process is asked to end. */
  termination: SteppedTermination;
  /** Where health and metrics are served; nowhere when absent. */
  health?: { port: number; host: string } | undefined;
}

/**
 * `earshot worker`: works on ingest jobs and evaluations until it is asked to end. Then it takes no more, lets those that
 * run go on for `ingest.shutdownSeconds`, and gives the rest back. Its health is told from the first moment on.
 *
 * @returns the exit code, 0; a process that only a new one can help is ended here with 1
 * @throws what kept it from starting
 */
export async function workerCommand(options: WorkerOptions, out: Console): Promise<number> {
  const { health, termination } = options;
  const ended = new AbortController();
  void termination.asked.then(() => {
    ended.abort();
  });
  const server = health === undefined ? null : await startEarly(health.port, health.host);
  try {
    if (server !== null) out.print(`Health: ${server.url}/health`);
    const earshot = await openWhenAtHand({ ...options, mayCome }, ended.signal);
    if (earshot !== null) await work(earshot, server, options, out);
    return 0;
  } finally {
    await server?.close();
  }
}

async function work(earshot: Earshot, server: EarlyServer | null, options: WorkerOptions, out: Console): Promise<void> {
  const { logger, termination, closingMs } = options;
  const { asked, hurry } = termination;
  const stuck = new AbortController();
  for (const { events } of [earshot.ingest, earshot.evaluation]) {
    events.once("stuck", () => {
      stuck.abort();
    });
  }
  try {
    await earshot.start({ search: false });
    // Not before: a worker is ready when it works.
    server?.serveWorker(earshot);
    out.print("Working.");
    await Promise.race([asked, once(stuck.signal, "abort")]);
  } finally {
    const { shutdownSeconds } = earshot.options.ingest;
    await endEarshot(earshot, { logger, closingMs, finishSeconds: shutdownSeconds, hurry });
  }
  // What hangs may keep the process from ending though everything is closed.
  if (stuck.signal.aborted) process.exit(1);
}

/** Model packs lie on volumes, which may come later. */
function mayCome(error: EarshotError): boolean {
  return error instanceof PackNotFoundError || error instanceof PackFileMissingError;
}
