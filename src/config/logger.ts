import { destination, pino, type DestinationStream, type Logger } from "pino";
import { logFields } from "../telemetry/index.js";
import type { ResolvedOptions } from "./options.js";

export type { Logger };

/**
 * A logger that writes JSON lines: to stderr unless told otherwise, so that stdout stays free for answers. Every line
 * carries the ids of the request and the job in whose name it is written, and of the trace while a span is open.
 */
export function createLogger(
  level: ResolvedOptions["logLevel"],
  to: DestinationStream = destination({ dest: 2, sync: true }),
): Logger {
  return pino({ name: "earshot", level, mixin: logFields }, to);
}
