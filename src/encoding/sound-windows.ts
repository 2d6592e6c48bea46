import type { AudioExpertManifest, InferencePool } from "../models/index.js";
import type { FeatureFile } from "./feature-file.js";
import type { PcmBuffer } from "./pcm-buffer.js";
import { notYetEncoded, readStored, runAndStore, type WindowReference } from "./track.js";

/** What the windows of an audio expert are put together with. */
interface SoundWindowsParts {
  inference: InferencePool;
  /** Most windows in one run. */
  batchSize: number;
  /** Features of the media from earlier, and for later. */
  stored: FeatureFile | undefined;
  signal: AbortSignal;
}

/** One audio expert's windows of a stream: each is encoded once, however many segments share it. */
export class SoundWindows {
  private readonly windows = new Map<number, WindowReference>();
  private planned: { index: number; reference: WindowReference }[] = [];

  constructor(
    private readonly expert: AudioExpertManifest,
    private readonly pcm: PcmBuffer,
    private readonly parts: SoundWindowsParts,
  ) {}

  /** Asks for a window; its features come with the next {@link encodePlanned} unless they are on their way already. */
  plan(index: number): WindowReference {
    let reference = this.windows.get(index);
    if (reference === undefined) {
      const { stored } = this.parts;
      if (stored?.has(index) === true) reference = { row: 0, batch: readStored(stored, index) };
      else {
        reference = { row: -1, batch: notYetEncoded };
        this.planned.push({ index, reference });
      }
      this.windows.set(index, reference);
    }
    return reference;
  }

  /** Sends the planned windows to the expert, in equal batches that are as large as allowed. */
  encodePlanned(): void {
    const { planned } = this;
    const { batchSize } = this.parts;
    const batches = Math.ceil(planned.length / batchSize);
    for (let b = 0; b < batches; b++) {
      const from = Math.floor((b * planned.length) / batches);
      const to = Math.floor(((b + 1) * planned.length) / batches);
      this.encodeBatch(planned.slice(from, to));
    }
    this.planned = [];
  }

  /** Forgets the windows that start before this sample; segments that hold references keep them. */
  forgetBefore(sample: number): void {
    for (const index of this.windows.keys()) {
      if (index * this.expert.hopSamples < sample) this.windows.delete(index);
    }
  }

  private encodeBatch(windows: readonly { index: number; reference: WindowReference }[]): void {
    const { windowSamples, hopSamples, name } = this.expert;
    // Zeros are the padding of a window that the end of the stream cuts.
    const data = new Float32Array(windows.length * windowSamples);
    windows.forEach(({ index }, row) => this.pcm.copyTo(data, row * windowSamples, index * hopSamples, windowSamples));
    const batch = runAndStore(
      this.parts,
      name,
      { waveform: { data, dims: [windows.length, windowSamples] } },
      windows.map(({ index }) => index),
    );
    windows.forEach(({ reference }, row) => {
      reference.row = row;
      reference.batch = batch;
    });
  }
}
