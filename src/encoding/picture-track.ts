import type { FrameFormat, VisualExpertManifest } from "../models/index.js";
import { FrameBuffer } from "./frame-buffer.js";
import { framesNeeded, framesReach, type FrameGrid } from "./frame-grid.js";
import { PictureWindows } from "./picture-windows.js";
import { StreamReader } from "./stream-reader.js";
import type { Track, WindowReference } from "./track.js";
import type { RunningParts, Pictures } from "./types.js";

/** A visual expert and its place in the manifest. */
export interface PlacedVisualExpert {
  place: number;
  expert: VisualExpertManifest;
}

/** Runs under way beyond one for each worker: one that waits, so that none idles. */
const RUNS_AHEAD = 1;

/** The pictures of a video in one format, with the visual experts that take it. */
export class PictureTrack implements Track {
  readonly experts: readonly number[];
  private readonly frames = new FrameBuffer();
  private readonly reader: StreamReader<Uint8Array>;
  private readonly grid: FrameGrid;
  private readonly manifests: readonly VisualExpertManifest[];
  private readonly windows: readonly PictureWindows[];
  private readonly running = new Set<Promise<unknown>>();
  private hasEnded = false;

  constructor(
    private readonly parts: RunningParts,
    private readonly format: FrameFormat,
    experts: readonly PlacedVisualExpert[],
    pictures: Pictures,
    signal: AbortSignal,
  ) {
    const { segment, sampleRate } = parts.manifest;
    this.reader = new StreamReader(pictures.open(format), signal);
    this.grid = {
      framesPerSecond: format.framesPerSecond,
      sampleRate,
      startSample: Math.round(pictures.startSeconds * sampleRate),
    };
    this.experts = experts.map(({ place }) => place);
    this.manifests = experts.map(({ expert }) => expert);
    const windowsParts = { ...parts, segment, signal, onRun: (run: Promise<unknown>) => this.remember(run) };
    this.windows = this.manifests.map((expert) => {
      const batchSize = parts.batchSizes.get(expert.name)!;
      const stored = parts.stored.get(expert.name);
      return new PictureWindows(expert, this.grid, this.frames, { ...windowsParts, batchSize, stored });
    });
  }

  get ended(): boolean {
    return this.hasEnded;
  }

  get reach(): number {
    return framesReach(this.frames.length, this.grid);
  }

  get lastWindowStart(): number {
    return Math.max(...this.windows.map(({ lastStart }) => lastStart));
  }

  async readTo(k: number): Promise<void> {
    const needed = framesNeeded(k, this.parts.manifest.segment, this.grid, this.manifests);
    while (!this.hasEnded && this.frames.length < needed) {
      // The bound on the runs is what holds the decoder back, and with it the memory.
      while (this.running.size >= this.parts.inference.parallelism + RUNS_AHEAD) await Promise.race(this.running);
      this.append(await this.reader.next());
    }
  }

  windowsOf(k: number): WindowReference[][] {
    return this.windows.map((windows) => windows.windowsOf(k, this.hasEnded));
  }

  encodePlanned(): void {
    for (const windows of this.windows) windows.flush();
  }

  forgetBefore(sample: number): void {
    for (const windows of this.windows) windows.forgetBefore(sample);
  }

  close(): Promise<void> {
    return this.reader.close();
  }

  /** @param frame undefined at the end of the stream */
  private append(frame: Uint8Array | undefined): void {
    if (frame === undefined) this.hasEnded = true;
    else this.frames.append(this.checked(frame));
    for (const windows of this.windows) windows.take(this.hasEnded);
    this.frames.dropBefore(Math.min(...this.windows.map(({ firstNeeded }) => firstNeeded)));
  }

  private checked(frame: Uint8Array): Uint8Array {
    const bytes = this.format.frameWidth * this.format.frameHeight * 3;
    if (frame.length !== bytes) throw new RangeError(`a frame has ${frame.length} bytes, expected ${bytes}`);
    return frame;
  }

  private remember(run: Promise<unknown>): void {
    this.running.add(run);
    const forget = () => this.running.delete(run);
    run.then(forget, forget);
  }
}
