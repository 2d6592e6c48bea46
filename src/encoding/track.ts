/** Where one window's features will be: a row of a batch that is being computed. */
export interface WindowReference {
  /** Row in the batch; known once the batch was made. */
  row: number;
  /** Features of the whole batch, [windows, tokensPerWindow, featureDim] row-major. */
  batch: Promise<Float32Array>;
}

/** What {@link WindowReference.batch} holds before the batch is made. */
export const notYetEncoded: Promise<Float32Array> = Promise.resolve(new Float32Array(0));

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
