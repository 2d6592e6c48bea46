import type { EventEmitter } from "node:events";

/**
 * Resolves at the next event that fits, when the time is up, or when the signal is aborted; it never rejects.
 *
 * @param milliseconds after which to look for oneself: other processes tell nothing
 */
export function nextUpdate(
  events: EventEmitter,
  name: string,
  fits: (update: unknown) => boolean,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      events.off(name, listen);
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const listen = (update: unknown) => {
      if (fits(update)) finish();
    };
    const timer = setTimeout(finish, milliseconds);
    events.on(name, listen);
    signal?.addEventListener("abort", finish);
  });
}
