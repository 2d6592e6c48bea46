import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { InferencePool, PackManifest } from "../models/index.js";
import { PcmBuffer } from "./pcm-buffer.js";
import { encodeGroup, type GroupSegment } from "./segment-group.js";
import { samplesNeeded, segmentCount, segmentSamples, segmentWindows, windowCount } from "./segments.js";
import type { EncodedSegment, EncodingProgress } from "./types.js";
import { WindowFeatures } from "./window-features.js";

/** What an encoding works with. */
export interface AudioEncodingParts {
  manifest: PackManifest;
  inference: InferencePool;
  /** Most windows in one run of an expert. */
  batchSize: number;
  /** Segments quieter than this throughout are left out. */
  silenceThreshold: number;
}

/** Segments whose models have been set going. */
interface Group {
  encoded: Promise<EncodedSegment[]>;
  /** Sample at which its last segment ends. */
  endSample: number;
}

/**
 * Groups in flight beyond one for each worker: one that waits for the clip encoder, and one that is being filled
 * by the decoder.
 */
const GROUPS_AHEAD = 2;

/** Encodes a stream of PCM; see {@link Encoder.encodeAudio}. */
export async function* encodeAudio(
  parts: AudioEncodingParts,
  pcm: AsyncIterable<Float32Array>,
  onProgress?: (progress: EncodingProgress) => void,
  signal?: AbortSignal,
): AsyncGenerator<EncodedSegment[], void, undefined> {
  const stop = new AbortController();
  const abandoned = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  // Every run that waits in the pool listens; their number is bounded below.
  setMaxListeners(0, abandoned);
  const cutter = new SegmentCutter(parts, abandoned);
  const { sampleRate } = parts.manifest;
  // The bound on this queue is what holds the decoder back, and with it the memory.
  const mostInFlight = parts.inference.parallelism + GROUPS_AHEAD;
  const inFlight: Group[] = [];

  const oldest = async () => {
    const group = inFlight.shift()!;
    const segments = await untilAborted(group.encoded, signal);
    onProgress?.({ decodedSeconds: cutter.decodedSamples / sampleRate, encodedSeconds: group.endSample / sampleRate });
    return segments;
  };

  try {
    for await (const chunk of abortable(pcm, signal)) {
      cutter.append(chunk);
      for (let group = cutter.nextGroup(); group !== undefined; group = cutter.nextGroup()) {
        inFlight.push(group);
        if (inFlight.length < mostInFlight) continue;
        const segments = await oldest();
        if (segments.length > 0) yield segments;
      }
    }
    cutter.end();
    for (let group = cutter.nextGroup(); group !== undefined || inFlight.length > 0; group = cutter.nextGroup()) {
      if (group !== undefined) inFlight.push(group);
      if (group !== undefined && inFlight.length < mostInFlight) continue;
      const segments = await oldest();
      if (segments.length > 0) yield segments;
    }
  } finally {
    stop.abort();
  }
}

/** Cuts a growing stream into groups of segments and sets the experts to work on their windows. */
class SegmentCutter {
  private readonly pcm = new PcmBuffer();
  private readonly features: WindowFeatures[];
  private readonly segmentsPerGroup: number;
  /** Number of the next segment to cut. */
  private next = 0;
  private ended = false;

  constructor(
    private readonly parts: AudioEncodingParts,
    private readonly signal: AbortSignal,
  ) {
    const { experts, segment } = parts.manifest;
    this.features = experts.map(
      (expert) => new WindowFeatures(expert, this.pcm, parts.inference, parts.batchSize, signal),
    );
    // A group brings each expert about one full batch of windows, and fewer where an expert has longer windows.
    const mostWindowsPerSegment = Math.max(...experts.map(({ hopSamples }) => segment.hopSamples / hopSamples));
    this.segmentsPerGroup = Math.max(1, Math.floor(parts.batchSize / mostWindowsPerSegment));
  }

  get decodedSamples(): number {
    return this.pcm.length;
  }

  append(chunk: Float32Array): void {
    this.pcm.append(chunk);
  }

  /** Says that no more samples come; only now is it known which windows the end of the stream has. */
  end(): void {
    this.ended = true;
  }

  /** The next group, if all of its samples are there: a full one, or the rest once the stream has ended. */
  nextGroup(): Group | undefined {
    const { manifest } = this.parts;
    let end = this.next + this.segmentsPerGroup;
    if (this.ended) end = Math.min(end, segmentCount(this.pcm.length, manifest));
    else if (samplesNeeded(end - 1, manifest) > this.pcm.length) return undefined;
    if (end <= this.next) return undefined;

    const segments: GroupSegment[] = [];
    for (let k = this.next; k < end; k++) {
      const { start, end: stop } = segmentSamples(k, manifest.segment, this.pcm.length);
      if (this.pcm.isSilent(start, stop, this.parts.silenceThreshold)) continue;
      segments.push({ index: k, start, end: stop, windows: this.windowsOf(k) });
    }
    this.features.forEach((features) => features.encodePlanned());
    const encoded = encodeGroup(manifest, this.parts.inference, segments, this.signal);
    // Nobody may be waiting for it yet when it fails; the failure is met when its turn comes.
    encoded.catch(() => undefined);

    this.next = end;
    const nextStart = end * manifest.segment.hopSamples;
    this.features.forEach((features) => features.forgetBefore(nextStart));
    this.pcm.dropBefore(nextStart);
    return { encoded, endSample: segmentSamples(end - 1, manifest.segment, this.pcm.length).end };
  }

  private windowsOf(k: number): GroupSegment["windows"] {
    const { experts, segment } = this.parts.manifest;
    return experts.map((expert, e) => {
      // Before the end of the stream a group is cut only when all its windows are whole.
      const windows = this.ended ? windowCount(this.pcm.length, expert) : Infinity;
      const { first, end } = segmentWindows(k, segment.hopSamples, expert, windows);
      return Array.from({ length: end - first }, (_, i) => this.features[e]!.plan(first + i));
    });
  }
}

/** How long an aborted encoding waits for its source to clean up. A source that is stuck would never end. */
const GRACE_MILLISECONDS = 1000;

/** The same chunks; an abort ends the wait for the next one even if the source does not listen to the signal. */
async function* abortable<T>(source: AsyncIterable<T>, signal?: AbortSignal): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const result = await untilAborted(iterator.next(), signal);
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    const closed = Promise.resolve(iterator.return?.());
    if (signal?.aborted === true)
      await Promise.race([closed.catch(() => undefined), delay(GRACE_MILLISECONDS, undefined, { ref: false })]);
    else await closed;
  }
}

/** Waits for a promise, or throws the signal's reason as soon as it is aborted. */
async function untilAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise;
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
  }
}
