import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits for something, but not for ever.
 *
 * @param milliseconds longest time to wait
 * @param hurry aborted when it is not to be waited any longer
 * @returns whether it came to its end in time
 * @throws what it throws in time; later it is nobody's concern
 */
export async function endsWithin(
  work: Promise<unknown> | undefined,
  milliseconds: number,
  hurry?: AbortSignal,
): Promise<boolean> {
  const over = new AbortController();
  const signal = hurry === undefined ? over.signal : AbortSignal.any([over.signal, hurry]);
  const time = delay(milliseconds, false, { signal }).catch(() => false);
  try {
    return await Promise.race([Promise.resolve(work).then(() => true), time]);
  } finally {
    over.abort();
  }
}
