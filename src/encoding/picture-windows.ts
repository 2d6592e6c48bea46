import type { InferencePool, PackManifest, VisualExpertManifest } from "../models/index.js";
import type { FeatureFile } from "./feature-file.js";
import type { FrameBuffer } from "./frame-buffer.js";
import {
  firstWindowFrom,
  frameWindowCount,
  lastSegmentOf,
  segmentFrameWindows,
  windowStart,
  type FrameGrid,
} from "./frame-grid.js";
import { windowLimits, type WindowLimits } from "./segments.js";
import { notYetEncoded, readStored, runAndStore, type WindowReference } from "./track.js";
import type { TokenLimit } from "./types.js";

/**
 * Most bytes of frames in one run. More windows in a run hardly make the large image networks quicker, but each takes
 * tens of megabytes of activations.
 */
const BYTES_PER_RUN = 4 * 2 ** 20;

/** What the windows of a visual expert are put together with. */
export interface PictureWindowsParts {
  segment: PackManifest["segment"];
  inference: InferencePool;
  /** Most windows in one run. */
  batchSize: number;
  tokenLimit: TokenLimit;
  /** Features of the media from earlier, and for later. */
  stored: FeatureFile | undefined;
  signal: AbortSignal;
  /** Told of every run that was begun. */
  onRun: (run: Promise<unknown>) => void;
}

/**
 * One visual expert's windows of a stream. Each is sent off as soon as its frames are there, however many segments
 * share it, so that only its features are kept: frames are far too large to wait for the end of a segment.
 */
export class PictureWindows {
  private readonly frameBytes: number;
  private readonly windowBytes: number;
  private readonly windowsPerRun: number;
  private readonly limits: WindowLimits;
  private readonly references = new Map<number, WindowReference>();
  /** Number of the next window to put together. */
  private next = 0;
  /** The windows that wait for the run to be full, and their frames. */
  private waiting: { index: number; reference: WindowReference }[] = [];
  private batch: Uint8Array | undefined;

  constructor(
    private readonly expert: VisualExpertManifest,
    private readonly grid: FrameGrid,
    private readonly frames: FrameBuffer,
    private readonly parts: PictureWindowsParts,
  ) {
    this.frameBytes = expert.frameWidth * expert.frameHeight * 3;
    this.windowBytes = this.frameBytes * expert.framesPerWindow;
    this.windowsPerRun = Math.max(1, Math.min(parts.batchSize, Math.floor(BYTES_PER_RUN / this.windowBytes)));
    this.limits = windowLimits(expert, parts.tokenLimit);
  }

  /** The first frame that is still needed. */
  get firstNeeded(): number {
    return this.next * this.expert.hopFrames;
  }

  /** Where the last window starts, once the stream has ended; -1 when there is none. */
  get lastStart(): number {
    const windows = frameWindowCount(this.frames.length, this.expert);
    return windows === 0 ? -1 : windowStart(windows - 1, this.grid, this.expert);
  }

  /** Puts together what has become whole; once the stream has ended, also what its end cuts short. */
  take(ended: boolean): void {
    const { framesPerWindow } = this.expert;
    const whole = () => this.firstNeeded + framesPerWindow <= this.frames.length;
    const windows = ended ? frameWindowCount(this.frames.length, this.expert) : Infinity;
    for (; this.next < windows && (ended || whole()); this.next++) {
      if (this.isUsed(this.next)) this.add(this.next);
    }
  }

  /** Sends the windows that wait to the expert. */
  flush(): void {
    const { waiting, batch, windowBytes } = this;
    if (batch === undefined) return;
    const { name, framesPerWindow, frameHeight, frameWidth } = this.expert;
    const dims = [waiting.length, framesPerWindow, frameHeight, frameWidth, 3];
    const data = batch.subarray(0, waiting.length * windowBytes);
    const indices = waiting.map(({ index }) => index);
    const features = runAndStore(this.parts, name, { frames: { data, dims } }, indices);
    waiting.forEach(({ reference }, row) => Object.assign(reference, { row, batch: features }));
    this.waiting = [];
    this.batch = undefined;
    this.parts.onRun(features);
  }

  /** The windows of segment k that exist and whose tokens are not cut. */
  windowsOf(k: number, ended: boolean): WindowReference[] {
    const windows = ended ? frameWindowCount(this.frames.length, this.expert) : Infinity;
    const { inSegment, inStream } = this.limits;
    const most = Math.min(windows, inStream);
    const { first, end } = segmentFrameWindows(k, this.parts.segment, this.grid, this.expert, most);
    const length = Math.min(end - first, inSegment);
    return Array.from({ length }, (_, i) => this.references.get(first + i)!);
  }

  /** Forgets the windows that start before this sample; segments that hold references keep them. */
  forgetBefore(sample: number): void {
    const first = firstWindowFrom(sample, this.grid, this.expert);
    for (const index of this.references.keys()) {
      if (index < first) this.references.delete(index);
    }
  }

  /** Whether some segment takes the window's tokens. */
  private isUsed(window: number): boolean {
    const { inSegment, inStream } = this.limits;
    if (inSegment === Infinity) return window < inStream;
    const { segment } = this.parts;
    const k = lastSegmentOf(window, segment, this.grid, this.expert);
    return window - segmentFrameWindows(k, segment, this.grid, this.expert, Infinity).first < inSegment;
  }

  private add(window: number): void {
    const { stored, onRun } = this.parts;
    if (stored?.has(window) === true) {
      const batch = readStored(stored, window);
      this.references.set(window, { row: 0, batch });
      onRun(batch);
      return;
    }
    this.batch ??= new Uint8Array(this.windowsPerRun * this.windowBytes);
    const offset = this.waiting.length * this.windowBytes;
    for (let i = 0; i < this.expert.framesPerWindow; i++) {
      // Behind the end the last frame stands still.
      const frame = Math.min(window * this.expert.hopFrames + i, this.frames.length - 1);
      this.batch.set(this.frames.get(frame), offset + i * this.frameBytes);
    }
    const reference = { row: -1, batch: notYetEncoded };
    this.references.set(window, reference);
    this.waiting.push({ index: window, reference });
    if (this.waiting.length === this.windowsPerRun) this.flush();
  }
}
