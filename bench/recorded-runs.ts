import type { InferencePool, InputTensor, Tensor } from "../src/models/index.js";
import { secondsOf } from "./clock.js";

/** One run of a graph with its inputs. */
interface RecordedRun {
  model: string;
  inputs: Record<string, InputTensor>;
}

/** A pool that keeps a copy of every run's inputs, so that exactly the same runs can be made again on their own. */
export class RecordingPool implements InferencePool {
  readonly runs: RecordedRun[] = [];

  constructor(private readonly pool: InferencePool) {}

  get parallelism(): number {
    return this.pool.parallelism;
  }

  get executionProviders(): readonly string[] {
    return this.pool.executionProviders;
  }

  get devices(): readonly string[] {
    return this.pool.devices;
  }

  get shortfall(): string | undefined {
    return this.pool.shortfall;
  }

  batchSizes(): Promise<ReadonlyMap<string, number>> {
    return this.pool.batchSizes();
  }

  run(model: string, inputs: Record<string, InputTensor>, signal?: AbortSignal): Promise<Record<string, Tensor>> {
    this.runs.push({ model, inputs: copyOf(inputs) });
    return this.pool.run(model, inputs, signal);
  }

  warmUp(): Promise<void> {
    return this.pool.warmUp();
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}

/**
 * Seconds which the pool takes for the runs when they are all there from the start: no decoding, no cutting of
 * windows, no graph that waits for another's output.
 */
export async function replaySeconds(pool: InferencePool, runs: readonly RecordedRun[]): Promise<number> {
  // The pool empties what it is given.
  const copies = runs.map(({ model, inputs }) => ({ model, inputs: copyOf(inputs) }));
  return secondsOf(() => Promise.all(copies.map(({ model, inputs }) => pool.run(model, inputs))));
}

function copyOf(inputs: Record<string, InputTensor>): Record<string, InputTensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { data, dims }]) => [name, { data: data.slice(), dims }]),
  );
}
