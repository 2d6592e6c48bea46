/** Results that may wait for an earlier one, for each piece of work that runs. */
const WAITING_EACH = 4;

/**
 * Works on several items at once and gives the results in the order of the items. The first failure, in whatever order, ends
 * everything. Whatever ends the iteration, the work that still runs is told to stop and waited for.
 *
 * @param atOnce most items worked on at the same time
 * @param work is handed a signal that ends it
 * @throws what the work throws, and the signal's reason when aborted
 */
export async function* inOrder<T, R>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T, signal: AbortSignal) => Promise<R>,
  signal: AbortSignal,
): AsyncGenerator<R, void, undefined> {
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  const rest = items[Symbol.iterator]();
  const running = new Set<Promise<void>>();
  /** What was begun and not given yet; undefined as long as it runs. */
  const begun: { done?: { result: R } }[] = [];
  let failed: { error: unknown } | undefined;
  const begin = async (item: T, slot: (typeof begun)[number]) => {
    try {
      slot.done = { result: await work(item, ended) };
    } catch (error) {
      failed ??= { error };
      stop.abort();
    }
  };
  try {
    for (;;) {
      signal.throwIfAborted();
      while (running.size < atOnce && begun.length < atOnce * WAITING_EACH) {
        const next = rest.next();
        if (next.done === true) break;
        const slot = {};
        begun.push(slot);
        const run = begin(next.value, slot).finally(() => running.delete(run));
        running.add(run);
      }
      const first = begun[0];
      if (first === undefined) return;
      if (first.done !== undefined) {
        begun.shift();
        yield first.done.result;
      } else await Promise.race(running);
      // Only now: another one may have failed while this one was waited for, or used.
      if (failed !== undefined) throw failed.error;
    }
  } finally {
    stop.abort();
    await Promise.all(running);
  }
}
