import { runExperts } from "./encoding-run.js";
import { encodeGroup } from "./segment-group.js";
import type { EncodedSegment, EncodingParts, EncodingProgress, VideoStreams } from "./types.js";

/** Encodes the streams of a video; see {@link Encoder.encodeVideo}. */
export async function* encodeVideo(
  parts: EncodingParts,
  streams: VideoStreams,
  onProgress?: (progress: EncodingProgress) => void,
  signal?: AbortSignal,
): AsyncGenerator<EncodedSegment[], void, undefined> {
  const { manifest, inference } = parts;
  const { sampleRate } = manifest;
  const groups = runExperts(
    parts,
    streams,
    (segments, abandoned) => encodeGroup(manifest, inference, segments, abandoned),
    signal,
  );
  for await (const { result: segments, decodedSamples, endSample } of groups) {
    onProgress?.({ decodedSeconds: decodedSamples / sampleRate, encodedSeconds: endSample / sampleRate });
    if (segments.length > 0) yield segments;
  }
}
