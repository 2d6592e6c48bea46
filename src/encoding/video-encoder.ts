import { setMaxListeners } from "node:events";
import type { FrameFormat, PackManifest } from "../models/index.js";
import { PictureTrack, type PlacedVisualExpert } from "./picture-track.js";
import { encodeGroup, type GroupSegment } from "./segment-group.js";
import { segmentCount, segmentSamples } from "./segments.js";
import { SoundTrack, type PlacedAudioExpert } from "./sound-track.js";
import { untilAborted } from "./stream-reader.js";
import type { Track } from "./track.js";
import type { EncodedSegment, EncodingParts, EncodingProgress, VideoStreams } from "./types.js";

/** Segments whose models have been set going. */
interface Group {
  encoded: Promise<EncodedSegment[]>;
  /** Sample at which its last segment ends. */
  endSample: number;
}

/**
 * Groups in flight beyond one for each worker: one that waits for the clip encoder, and one that is being filled
 * by the decoders.
 */
const GROUPS_AHEAD = 2;

/** Encodes the streams of a video; see {@link Encoder.encodeVideo}. */
export async function* encodeVideo(
  parts: EncodingParts,
  streams: VideoStreams,
  onProgress?: (progress: EncodingProgress) => void,
  signal?: AbortSignal,
): AsyncGenerator<EncodedSegment[], void, undefined> {
  const stop = new AbortController();
  const abandoned = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  // Every run that waits in the pool listens; their number is bounded below.
  setMaxListeners(0, abandoned);
  const tracks = openTracks(parts, streams, abandoned);
  const cutter = new SegmentCutter(parts, tracks, abandoned);
  const { sampleRate } = parts.manifest;
  // The bound on this queue is what holds the decoders back, and with it the memory.
  const mostInFlight = parts.inference.parallelism + GROUPS_AHEAD;
  const inFlight: Group[] = [];

  const oldest = async () => {
    const group = inFlight.shift()!;
    const segments = await untilAborted(group.encoded, abandoned);
    onProgress?.({ decodedSeconds: cutter.decodedSamples / sampleRate, encodedSeconds: group.endSample / sampleRate });
    return segments;
  };

  try {
    for (let group = await cutter.nextGroup(); ; group = await cutter.nextGroup()) {
      if (group !== undefined) inFlight.push(group);
      if (inFlight.length === 0) return;
      if (group !== undefined && inFlight.length < mostInFlight) continue;
      const segments = await oldest();
      if (segments.length > 0) yield segments;
    }
  } catch (error) {
    // One stream may have failed while another is being waited for.
    stop.abort();
    throw error;
  } finally {
    await Promise.all(tracks.map((track) => track.close()));
    stop.abort();
  }
}

/** One track for the sound, and one for each format of the frames, as far as there are streams and experts for them. */
function openTracks(parts: EncodingParts, { sound, pictures }: VideoStreams, signal: AbortSignal): Track[] {
  const audio: PlacedAudioExpert[] = [];
  const visual = new Map<string, { format: FrameFormat; experts: PlacedVisualExpert[] }>();
  parts.manifest.experts.forEach((expert, place) => {
    if (expert.modality === "audio") {
      audio.push({ place, expert });
      return;
    }
    const { framesPerSecond, frameWidth, frameHeight } = expert;
    const format = { framesPerSecond, frameWidth, frameHeight };
    const key = Object.values(format).join(" ");
    const sharing = visual.get(key) ?? { format, experts: [] };
    visual.set(key, sharing);
    sharing.experts.push({ place, expert });
  });
  const tracks: Track[] = [];
  if (sound !== undefined && audio.length > 0) tracks.push(new SoundTrack(parts, audio, sound, signal));
  if (pictures === undefined) return tracks;
  for (const { format, experts } of visual.values())
    tracks.push(new PictureTrack(parts, format, experts, pictures, signal));
  return tracks;
}

/** Cuts growing streams into groups of segments and sets the experts to work on their windows. */
class SegmentCutter {
  private readonly segmentsPerGroup: number;
  /** Number of the next segment to cut. */
  private next = 0;

  constructor(
    private readonly parts: EncodingParts,
    private readonly tracks: readonly Track[],
    private readonly signal: AbortSignal,
  ) {
    // A group brings each expert about one full batch of windows, and fewer where another expert's are less dense.
    const most = Math.max(...parts.manifest.experts.map((expert) => windowsPerHop(expert, parts.manifest)));
    this.segmentsPerGroup = Math.max(1, Math.floor(parts.batchSize / most));
  }

  /** Samples from the start of the video up to which it has come in. */
  get decodedSamples(): number {
    return Math.max(0, ...this.tracks.map(({ reach }) => reach));
  }

  /** Reads the next group of segments: a full one, or the rest when the streams end. Undefined behind the end. */
  async nextGroup(): Promise<Group | undefined> {
    const { manifest, inference } = this.parts;
    let end = this.next + this.segmentsPerGroup;
    await Promise.all(this.tracks.map((track) => track.readTo(end - 1)));
    // A stream that goes on has reached the end of the group, so all of its segments exist.
    if (this.tracks.every(({ ended }) => ended)) end = Math.min(end, this.segmentCount());
    if (end <= this.next) return undefined;

    const segments: GroupSegment[] = [];
    for (let k = this.next; k < end; k++) {
      const windows = this.windowsOf(k);
      if (windows.every(({ length }) => length === 0)) continue;
      segments.push({ index: k, ...segmentSamples(k, manifest.segment, this.decodedSamples), windows });
    }
    for (const track of this.tracks) track.encodePlanned();
    const encoded = encodeGroup(manifest, inference, segments, this.signal);
    // Nobody may be waiting for it yet when it fails; the failure is met when its turn comes.
    encoded.catch(() => undefined);

    this.next = end;
    for (const track of this.tracks) track.forgetBefore(end * manifest.segment.hopSamples);
    return { encoded, endSample: segmentSamples(end - 1, manifest.segment, this.decodedSamples).end };
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
