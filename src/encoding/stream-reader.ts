import { setTimeout as delay } from "node:timers/promises";

/** How long an aborted reader waits for its source to clean up. A source that is stuck would never end. */
const GRACE_MILLISECONDS = 1000;

/** Reads a stream item by item; an abort ends the wait for the next one even if the source does not listen. */
export class StreamReader<T> {
  private readonly iterator: AsyncIterator<T>;

  constructor(
    source: AsyncIterable<T>,
    private readonly signal: AbortSignal,
  ) {
    this.iterator = source[Symbol.asyncIterator]();
  }

  /**
   * @returns the next item; undefined at the end
   * @throws what the source throws, and the signal's reason
   */
  async next(): Promise<T | undefined> {
    const result = await untilAborted(this.iterator.next(), this.signal);
    return result.done === true ? undefined : result.value;
  }

  /** Lets the source clean up. */
  async close(): Promise<void> {
    const closed = Promise.resolve(this.iterator.return?.());
    if (this.signal.aborted)
      await Promise.race([closed.catch(() => undefined), delay(GRACE_MILLISECONDS, undefined, { ref: false })]);
    else await closed;
  }
}

/** Waits for a promise, or throws the signal's reason as soon as it is aborted. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
  }
}
