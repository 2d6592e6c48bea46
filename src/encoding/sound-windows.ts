import type { AudioExpertManifest, InferencePool } from "../models/index.js";
import type { PcmBuffer } from "./pcm-buffer.js";
import { notYetEncoded, type WindowReference } from "./track.js";

/** One audio expert's windows of a stream: each is encoded once, however many segments share it. */
export class SoundWindows {
  private readonly windows = new Map<number, WindowReference>();
  private planned: { index: number; reference: WindowReference }[] = [];

  constructor(
    private readonly expert: AudioExpertManifest,
    private readonly pcm: PcmBuffer,
    private readonly inference: InferencePool,
    private readonly batchSize: number,
    private readonly signal: AbortSignal,
  ) {}

  /** Asks for a window; its features come with the next {@link encodePlanned} unless they are on their way already. */
  plan(index: number): WindowReference {
    let reference = this.windows.get(index);
    if (reference === undefined) {
      reference = { row: -1, batch: notYetEncoded };
      this.windows.set(index, reference);
      this.planned.push({ index, reference });
    }
    return reference;
  }

  /** Sends the planned windows to the expert, in equal batches that are as large as allowed. */
  encodePlanned(): void {
    const { planned, batchSize } = this;
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
    const batch = this.inference
      .run(name, { waveform: { data, dims: [windows.length, windowSamples] } }, this.signal)
      .then((outputs) => outputs["features"]!.data);
    batch.catch(() => undefined);
    windows.forEach(({ reference }, row) => {
      reference.row = row;
      reference.batch = batch;
    });
  }
}
