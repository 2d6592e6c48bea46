import { setMaxListeners } from "node:events";
import { SegmentCutter } from "./segment-cutter.js";
import type { GroupSegment } from "./segment-group.js";
import { untilAborted } from "./stream-reader.js";
import { openTracks } from "./tracks.js";
import type { EncodingParts, VideoStreams } from "./types.js";

/** What was made of a group of segments. */
export interface FinishedGroup<T> {
  result: T;
  /** Samples of the video that have come in so far. */
  decodedSamples: number;
  /** Sample at which the group's last segment ends. */
  endSample: number;
}

/**
 * Groups in flight beyond one for each worker: one that waits for the clip encoder, and one that is being filled
 * by the decoders.
 */
const GROUPS_AHEAD = 2;

/**
 * Reads streams, cuts them into segments, sends their windows to the experts, and gives what `finish` makes of each group,
 * in order. Whatever ends the iteration, the streams are closed and runs that have not begun are taken back.
 *
 * @param finish waits for the windows of a group
 */
export async function* runExperts<T>(
  parts: EncodingParts,
  streams: VideoStreams,
  finish: (segments: GroupSegment[], signal: AbortSignal) => Promise<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<FinishedGroup<T>, void, undefined> {
  const stop = new AbortController();
  const abandoned = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  // Every run that waits in the pool listens; their number is bounded below.
  setMaxListeners(0, abandoned);
  const batchSizes = await batchSizesOf(parts);
  const cached = await parts.cache?.open(parts, streams.media);
  const running = { ...parts, batchSizes, stored: cached?.files ?? new Map<string, never>() };
  const tracks = openTracks(running, streams, abandoned);
  const cutter = new SegmentCutter(running, tracks);
  // The bound on this queue is what holds the decoders back, and with it the memory.
  const mostInFlight = parts.inference.parallelism + GROUPS_AHEAD;
  const inFlight: { finished: Promise<T>; endSample: number }[] = [];

  try {
    for (let group = await cutter.nextGroup(); ; group = await cutter.nextGroup()) {
      if (group !== undefined) {
        const finished = finish(group.segments, abandoned);
        // Nobody may be waiting for it yet when it fails; the failure is met when its turn comes.
        finished.catch(() => undefined);
        inFlight.push({ finished, endSample: group.endSample });
      }
      if (inFlight.length === 0) {
        await cached?.keep();
        return;
      }
      if (group !== undefined && inFlight.length < mostInFlight) continue;
      const { finished, endSample } = inFlight.shift()!;
      const result = await untilAborted(finished, abandoned);
      yield { result, decodedSamples: cutter.decodedSamples, endSample };
    }
  } catch (error) {
    // One stream may have failed while another is being waited for.
    stop.abort();
    throw error;
  } finally {
    await Promise.all(tracks.map((track) => track.close()));
    stop.abort();
    await cached?.close();
  }
}

async function batchSizesOf({ manifest, inference, batchSize }: EncodingParts): Promise<ReadonlyMap<string, number>> {
  if (batchSize === undefined) return inference.batchSizes();
  return new Map(manifest.experts.map(({ name }) => [name, batchSize]));
}
