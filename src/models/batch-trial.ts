/** How many windows to put into one run of a model, found by trying. */

/** What one trial run took. */
export interface Trial {
  seconds: number;
  /** Memory of the process after it, in bytes. */
  memory: number;
}

/** What bounds the search. */
export interface TrialLimits {
  /** Bytes that the windows of one run may take. */
  budgetBytes: number;
  /** Bytes of one window's inputs and outputs, known from the manifest: it never takes less. */
  leastBytesPerWindow: number;
}

/** What the trials found. */
export interface BatchSize {
  /** Windows in one run. */
  size: number;
  /** Bytes that one window was seen to take, inputs and outputs included. */
  bytesPerWindow: number;
}

/** The most windows that are tried. */
const LARGEST = 256;

/** A larger batch has to be quicker by this share, for each window, to be worth its memory. */
const LEAST_GAIN = 0.05;

/** Larger batches are not tried once a run takes longer than this, in seconds: searches and starts should not wait for it. */
const LONGEST_TRIAL = 1;

/** Batches that bring nothing before the search ends; one alone may be a disturbance. */
const MISSES = 2;

/**
 * Doubles the batch until it no longer makes a window quicker, would no longer fit into the memory, or takes too long.
 *
 * @param attempt runs a batch of so many windows; undefined when the memory does not suffice
 * @throws what `attempt` throws
 */
export async function findBatchSize(
  attempt: (windows: number) => Promise<Trial | undefined>,
  { budgetBytes, leastBytesPerWindow }: TrialLimits,
): Promise<BatchSize> {
  let bytesPerWindow = leastBytesPerWindow;
  let first: Trial | undefined;
  let best = { size: 1, secondsPerWindow: Infinity };
  let misses = 0;
  for (let windows = 1; windows <= LARGEST; windows *= 2) {
    if (windows > 1 && windows * bytesPerWindow > budgetBytes) break;
    const trial = await attempt(windows);
    if (trial === undefined) break;
    first ??= trial;
    // The first run also allocates what does not depend on the batch.
    if (windows > 1) bytesPerWindow = Math.max(bytesPerWindow, (trial.memory - first.memory) / (windows - 1));
    if (windows > 1 && windows * bytesPerWindow > budgetBytes) break;
    const secondsPerWindow = trial.seconds / windows;
    const gains = secondsPerWindow < best.secondsPerWindow * (1 - LEAST_GAIN);
    if (gains) best = { size: windows, secondsPerWindow };
    misses = gains ? 0 : misses + 1;
    if (misses >= MISSES || trial.seconds > LONGEST_TRIAL) break;
  }
  return { size: best.size, bytesPerWindow: Math.ceil(bytesPerWindow) };
}
