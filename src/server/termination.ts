import type { Logger } from "../config/index.js";

/** Exit code of a program that a signal ended at once. */
const INTERRUPTED = 130;

/**
 * Resolves with the name of the first SIGTERM or SIGINT. A second one ends the process at once, for
 * those who do not want to wait.
 */
export function termination(logger: Logger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (asked) process.exit(INTERRUPTED);
      asked = true;
      logger.info({ signal }, "shutting down; press Ctrl-C again to end at once");
      resolve(signal);
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
}

/** How a process is asked to end, step by step. */
export interface SteppedTermination {
  /** Resolves with the name of the first SIGTERM or SIGINT. */
  asked: Promise<NodeJS.Signals>;
  /** Aborted by the second one: whoever sent it does not want to wait. A third one ends the process at once. */
  hurry: AbortSignal;
}

/** Listens to SIGTERM and SIGINT for a process that finishes its work when it is asked to end. */
export function steppedTermination(logger: Logger): SteppedTermination {
  const hurry = new AbortController();
  let signals = 0;
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      signals += 1;
      if (signals === 1) {
        logger.info({ signal }, "ending when the running jobs are done; a second signal gives them back at once");
        resolve(signal);
      } else if (signals === 2) hurry.abort();
      else process.exit(INTERRUPTED);
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
  return { asked, hurry: hurry.signal };
}
