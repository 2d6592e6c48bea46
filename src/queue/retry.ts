/** Times of the waits between attempts, in seconds. */
export interface RetryDelays {
  retryDelaySeconds: number;
  maxRetryDelaySeconds: number;
}

/**
 * Milliseconds to wait after an attempt failed: doubling with each attempt up to the longest, then a random half
 * of it off, so that jobs that failed together do not come back together.
 *
 * @param attempts attempts that failed so far, at least 1
 * @param random 0..1
 */
export function retryDelayMs(attempts: number, delays: RetryDelays, random: number = Math.random()): number {
  const full = Math.min(delays.retryDelaySeconds * 2 ** (attempts - 1), delays.maxRetryDelaySeconds);
  return 1000 * full * (1 - random / 2);
}
