/** What a benchmark is, and what it says. */

/** One measured value. */
export interface Value {
  /** What was measured, from the general to the special, with slashes: `mp4/efficiency`. */
  name: string;
  unit: string;
  value: number;
  /** The single measurements, in order of time, when `value` is their median. */
  runs?: number[];
  /** What the project aims at, e.g. `>= 0.8`. */
  aim?: string;
}

/** What a benchmark found, and what it depends on. */
export interface Report {
  values: Value[];
  settings: Record<string, unknown>;
}

/** What a benchmark is given. */
export interface BenchContext {
  /** Temporary folder of this run of the benchmarks, shared by all of them and removed in the end. */
  folder: string;
  /** Tiny inputs and one round: shows that a benchmark works, measures nothing of worth. */
  quick: boolean;
  /** Tells the person who waits; writes to stderr. */
  progress: (text: string) => void;
}

/** A benchmark. It runs in a process of its own. */
export interface Benchmark {
  name: string;
  run(context: BenchContext): Promise<Report>;
}
