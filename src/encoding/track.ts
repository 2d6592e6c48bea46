import type { InferencePool, InputTensor } from "../models/index.js";
import type { FeatureFile } from "./feature-file.js";

/** Where one window's features will be: a row of a batch that is being computed. */
export interface WindowReference {
  /** Row in the batch; known once the batch was made. */
  row: number;
  /** Features of the whole batch, [windows, tokensPerWindow, featureDim] row-major. */
  batch: Promise<Float32Array>;
}

/** What {@link WindowReference.batch} holds before the batch is made. */
export const notYetEncoded: Promise<Float32Array> = Promise.resolve(new Float32Array(0));

/** The features of a window that are stored, as a batch of their own. */
export function readStored(stored: FeatureFile, window: number): Promise<Float32Array> {
  const batch = stored.read(window);
  // Nobody may be waiting for it yet when it fails; the failure is met when its turn comes.
  batch.catch(() => undefined);
  return batch;
}

/** Sends windows, whose numbers are given in the order of the rows, to their expert, and stores what comes back. */
export function runAndStore(
  parts: { inference: InferencePool; stored: FeatureFile | undefined; signal: AbortSignal },
  expert: string,
  input: Record<string, InputTensor>,
  windows: readonly number[],
): Promise<Float32Array> {
  const batch = parts.inference.run(expert, input, parts.signal).then(async (outputs) => {
    const features = outputs["features"]!.data;
    // Waiting for the disk holds the work back, and with it the memory.
    await parts.stored?.add(windows, features);
    return features;
  });
  batch.catch(() => undefined);
  return batch;
}

/** One stream of a video, sound or pictures, with the experts that it feeds. Positions are samples of the file. */
export interface Track {
  /** The experts, by their place in the manifest. */
  readonly experts: readonly number[];
  /** Whether the stream has come to its end. */
  readonly ended: boolean;
  /** Up to where the stream has come in; 0 when nothing has. */
  readonly reach: number;
  /** Where the last window of a stream that has ended starts; negative when it has none. */
  readonly lastWindowStart: number;
  /** Reads on until all windows of segment k are there, or the stream has ended. */
  readTo(k: number): Promise<void>;
  /** The windows of segment k, in the order of {@link Track.experts}, as far as they exist. The stream was read so far. */
  windowsOf(k: number): WindowReference[][];
  /** Sends the windows that were asked for and still wait to the experts. */
  encodePlanned(): void;
  /** Forgets what starts before this sample: no later segment asks for it. */
  forgetBefore(sample: number): void;
  /** Ends the stream; waits until its source has cleaned up, but not long once the signal is aborted. */
  close(): Promise<void>;
}
