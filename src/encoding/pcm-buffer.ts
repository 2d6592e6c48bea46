/**
 * The part of a PCM stream that is still needed: samples are appended at the end and dropped from the front, and
 * are addressed by their position in the whole stream.
 */
export class PcmBuffer {
  private samples = new Float32Array(1 << 16);
  /** Where in `samples` the kept part begins and ends. */
  private head = 0;
  private tail = 0;
  /** Position in the stream of the sample at `head`. */
  private start = 0;

  /** Samples that have come in so far, dropped ones included. */
  get length(): number {
    return this.start + this.tail - this.head;
  }

  /**
   * Appends a chunk. What no decoder of healthy audio gives is mended here, since one such sample would spoil a
   * whole embedding: NaN becomes silence, and everything is cut to full scale, -1..1.
   */
  append(chunk: Float32Array): void {
    this.makeRoom(chunk.length);
    const { samples, tail } = this;
    for (let i = 0; i < chunk.length; i++) {
      const sample = chunk[i]!;
      samples[tail + i] = sample > 1 ? 1 : sample < -1 ? -1 : Number.isNaN(sample) ? 0 : sample;
    }
    this.tail += chunk.length;
  }

  /** Forgets all samples before this position. */
  dropBefore(position: number): void {
    const count = Math.min(Math.max(0, position - this.start), this.tail - this.head);
    this.head += count;
    this.start += count;
  }

  /** Copies up to `length` samples from `position` on to `target` at `offset`; fewer where the stream ends. */
  copyTo(target: Float32Array, offset: number, position: number, length: number): void {
    const from = this.head + position - this.start;
    target.set(this.samples.subarray(from, Math.min(from + length, this.tail)), offset);
  }

  /** Whether all samples from `start` up to `end` (not included) are quieter than the threshold. */
  isSilent(start: number, end: number, threshold: number): boolean {
    const shift = this.head - this.start;
    for (let i = start + shift; i < end + shift; i++) {
      if (Math.abs(this.samples[i]!) >= threshold) return false;
    }
    return true;
  }

  private makeRoom(length: number): void {
    if (this.tail + length <= this.samples.length) return;
    const kept = this.tail - this.head;
    if (kept + length <= this.samples.length / 2) {
      this.samples.copyWithin(0, this.head, this.tail);
    } else {
      const grown = new Float32Array(2 * (kept + length));
      grown.set(this.samples.subarray(this.head, this.tail));
      this.samples = grown;
    }
    this.head = 0;
    this.tail = kept;
  }
}
