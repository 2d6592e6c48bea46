import { destination, pino, type Logger } from "pino";
import type { ResolvedOptions } from "./options.js";

export type { Logger };

/** A logger that writes JSON lines to stderr, so that stdout stays free for answers. */
export function createLogger(level: ResolvedOptions["logLevel"]): Logger {
  return pino({ name: "earshot", level }, destination({ dest: 2, sync: true }));
}
