/** The frames of a stream that are still needed, addressed by their number in the whole stream. */
export class FrameBuffer {
  private readonly frames: Uint8Array[] = [];
  /** Number of the first frame that is kept. */
  private start = 0;

  /** Frames that have come in so far, dropped ones included. */
  get length(): number {
    return this.start + this.frames.length;
  }

  append(frame: Uint8Array): void {
    this.frames.push(frame);
  }

  /** A frame that has come in and was not dropped. */
  get(number: number): Uint8Array {
    const frame = this.frames[number - this.start];
    if (frame === undefined) throw new RangeError(`frame ${number} is not kept`);
    return frame;
  }

  /** Forgets all frames before this number. */
  dropBefore(number: number): void {
    this.start += this.frames.splice(0, Math.max(0, number - this.start)).length;
  }
}
