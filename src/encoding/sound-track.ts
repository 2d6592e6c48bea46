import type { AudioExpertManifest } from "../models/index.js";
import type { RunningParts } from "./types.js";
import { PcmBuffer } from "./pcm-buffer.js";
import { samplesNeeded, segmentSamples, segmentWindows, windowCount, windowLimits } from "./segments.js";
import { SoundWindows } from "./sound-windows.js";
import { StreamReader } from "./stream-reader.js";
import type { Track, WindowReference } from "./track.js";

/** An audio expert and its place in the manifest. */
export interface PlacedAudioExpert {
  place: number;
  expert: AudioExpertManifest;
}

/** The sound of a video with the audio experts. Where it is silent, they hear nothing. */
export class SoundTrack implements Track {
  readonly experts: readonly number[];
  private readonly pcm = new PcmBuffer();
  private readonly reader: StreamReader<Float32Array>;
  private readonly grids: readonly AudioExpertManifest[];
  /** The most windows of each expert from the start of the stream. */
  private readonly most: readonly number[];
  private readonly windows: readonly SoundWindows[];
  private hasEnded = false;

  constructor(
    private readonly parts: RunningParts,
    experts: readonly PlacedAudioExpert[],
    sound: AsyncIterable<Float32Array>,
    signal: AbortSignal,
  ) {
    this.reader = new StreamReader(sound, signal);
    this.experts = experts.map(({ place }) => place);
    const limits = experts.map(({ expert }) => windowLimits(expert, parts.tokenLimit));
    this.grids = experts.map(({ expert }, e) => ({
      ...expert,
      windowsPerSegment: Math.min(expert.windowsPerSegment, limits[e]!.inSegment),
    }));
    this.most = limits.map(({ inStream }) => inStream);
    this.windows = this.grids.map(
      (expert) =>
        new SoundWindows(expert, this.pcm, {
          inference: parts.inference,
          batchSize: parts.batchSizes.get(expert.name)!,
          stored: parts.stored.get(expert.name),
          signal,
        }),
    );
  }

  get ended(): boolean {
    return this.hasEnded;
  }

  get reach(): number {
    return this.pcm.length;
  }

  get lastWindowStart(): number {
    return Math.max(...this.grids.map((grid) => (windowCount(this.pcm.length, grid) - 1) * grid.hopSamples));
  }

  async readTo(k: number): Promise<void> {
    const needed = samplesNeeded(k, this.parts.manifest.segment, this.grids);
    while (!this.hasEnded && this.pcm.length < needed) {
      const chunk = await this.reader.next();
      if (chunk === undefined) this.hasEnded = true;
      else this.pcm.append(chunk);
    }
  }

  windowsOf(k: number): WindowReference[][] {
    const { segment } = this.parts.manifest;
    const { start, end } = segmentSamples(k, segment, this.pcm.length);
    if (this.pcm.isSilent(start, end, this.parts.silenceThreshold)) return this.grids.map(() => []);
    return this.grids.map((grid, e) => {
      // Before the end of the stream a segment is cut only when all its windows are whole.
      const windows = this.hasEnded ? windowCount(this.pcm.length, grid) : Infinity;
      const { first, end } = segmentWindows(k, segment.hopSamples, grid, Math.min(windows, this.most[e]!));
      return Array.from({ length: end - first }, (_, i) => this.windows[e]!.plan(first + i));
    });
  }

  encodePlanned(): void {
    for (const windows of this.windows) windows.encodePlanned();
  }

  forgetBefore(sample: number): void {
    for (const windows of this.windows) windows.forgetBefore(sample);
    this.pcm.dropBefore(sample);
  }

  close(): Promise<void> {
    return this.reader.close();
  }
}
