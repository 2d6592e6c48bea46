import type { PackManifest } from "../models/index.js";
import type { GroupSegment } from "./segment-group.js";
import { segmentCount, segmentSamples, windowLimits } from "./segments.js";
import type { Track } from "./track.js";
import type { RunningParts } from "./types.js";

/** Segments whose windows have been sent to the experts. */
export interface CutGroup {
  /** Those in which an expert has a window. */
  segments: GroupSegment[];
  /** Sample at which its last segment ends. */
  endSample: number;
}

/** Cuts growing streams into groups of segments and sets the experts to work on their windows. */
export class SegmentCutter {
  private readonly segmentsPerGroup: number;
  /** Number of the next segment to cut. */
  private next = 0;

  constructor(
    private readonly parts: RunningParts,
    private readonly tracks: readonly Track[],
  ) {
    const { manifest, experts, batchSizes, tokenLimit } = parts;
    const running = manifest.experts.filter(({ name }) => experts.has(name));
    const densities = running.map((expert) => windowsPerHop(expert, manifest));
    // A group brings one expert about a full batch of windows, and the others fewer.
    const full = Math.max(
      1,
      Math.floor(Math.min(...running.map(({ name }, e) => batchSizes.get(name)! / densities[e]!))),
    );
    // No further than where all experts have had what they take.
    const needed = running.map((expert, e) => Math.ceil(windowLimits(expert, tokenLimit).inStream / densities[e]!));
    this.segmentsPerGroup = Math.min(full, Math.max(1, ...needed));
  }

  /** Samples from the start of the video up to which it has come in. */
  get decodedSamples(): number {
    return Math.max(0, ...this.tracks.map(({ reach }) => reach));
  }

  /** Reads the next group of segments: a full one, or the rest when the streams end. Undefined behind the end. */
  async nextGroup(): Promise<CutGroup | undefined> {
    const { segment } = this.parts.manifest;
    let end = this.next + this.segmentsPerGroup;
    await Promise.all(this.tracks.map((track) => track.readTo(end - 1)));
    // A stream that goes on has reached the end of the group, so all of its segments exist.
    if (this.tracks.every(({ ended }) => ended)) end = Math.min(end, this.segmentCount());
    if (end <= this.next) return undefined;

    const segments: GroupSegment[] = [];
    for (let k = this.next; k < end; k++) {
      const windows = this.windowsOf(k);
      if (windows.every(({ length }) => length === 0)) continue;
      segments.push({ index: k, ...segmentSamples(k, segment, this.decodedSamples), windows });
    }
    for (const track of this.tracks) track.encodePlanned();

    this.next = end;
    for (const track of this.tracks) track.forgetBefore(end * segment.hopSamples);
    return { segments, endSample: segmentSamples(end - 1, segment, this.decodedSamples).end };
  }

  private segmentCount(): number {
    const lastWindowStart = Math.max(...this.tracks.map((track) => track.lastWindowStart));
    return segmentCount(this.decodedSamples, lastWindowStart, this.parts.manifest.segment);
  }

  /** The windows of segment k by expert, in the order of the manifest. */
  private windowsOf(k: number): GroupSegment["windows"] {
    const all: GroupSegment["windows"] = this.parts.manifest.experts.map(() => []);
    for (const track of this.tracks) {
      track.windowsOf(k).forEach((windows, e) => {
        all[track.experts[e]!] = windows;
      });
    }
    return all;
  }
}

/** Windows of an expert from the start of one segment to that of the next. */
function windowsPerHop(
  expert: PackManifest["experts"][number],
  { segment, sampleRate }: Pick<PackManifest, "segment" | "sampleRate">,
): number {
  if (expert.modality === "audio") return segment.hopSamples / expert.hopSamples;
  return ((segment.hopSamples / sampleRate) * expert.framesPerSecond) / expert.hopFrames;
}
