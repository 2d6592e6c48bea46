import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../config/index.js";
import type { Earshot } from "../earshot.js";
import { EarshotError } from "../errors.js";

/** Longest time between two tries to open everything, in seconds. */
const longestWaitSeconds = 15;

/** How to open an Earshot of which a part may be away. */
export interface Opening {
  /** Opens everything. */
  open: () => Promise<Earshot>;
  logger: Logger;
  /** Seconds to wait for what is away. @default as long as it takes */
  waitSeconds?: number | undefined;
  /** What may come besides that which is retryable anyway: a volume, perhaps. @default nothing */
  mayCome?: (error: EarshotError) => boolean;
}

/**
 * Opens everything, however long a part of it is away.
 *
 * @param ended aborted when the process is asked to end
 * @returns null when it was asked to end meanwhile
 * @throws what keeps it from opening that will not mend itself, or not in time
 */
export async function openWhenAtHand(
  { open, logger, waitSeconds = Infinity, mayCome = () => false }: Opening,
  ended: AbortSignal,
): Promise<Earshot | null> {
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  let said: string | undefined;
  for (let wait = 1; !ended.aborted; wait = Math.min(2 * wait, longestWaitSeconds)) {
    try {
      const earshot = await open();
      if (said !== undefined) logger.info({ seconds: elapsed() }, "everything is at hand now");
      return earshot;
    } catch (error) {
      if (!(error instanceof EarshotError) || !(error.retryable || mayCome(error))) throw error;
      if (elapsed() + wait > waitSeconds) throw error;
      if (error.code !== said) logger.error({ code: error.code, detail: error.detail }, `waiting: ${error.message}`);
      said = error.code;
      await delay(wait * 1000, undefined, { signal: ended }).catch(() => undefined);
    }
  }
  return null;
}
