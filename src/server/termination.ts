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
