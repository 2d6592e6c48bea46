import path from "node:path";
import { newId, type Catalog, type IngestJobRecord, type IngestStage } from "../catalog/index.js";
import type { Logger, ResolvedOptions } from "../config/index.js";
import type { EncodedSegment, Encoder } from "../encoding/index.js";
import {
  MediaEmptyError,
  MediaNoAudioError,
  MediaSilentError,
  MediaTooLargeError,
  MediaTooLongError,
  SourceChangedError,
} from "../errors.js";
import { chooseAudioStream, decodePcm, probe, type AudioStream, type FfmpegTools } from "../media/index.js";
import type { ModelPack } from "../models/index.js";
import type { VectorIndex } from "../vectors/index.js";
import { JobInterruption } from "./interruption.js";
import { isUnchanged, openSource, type SourceFile } from "./sources.js";

/** What a pipeline works with. */
export interface PipelineParts {
  catalog: Catalog;
  vectors: VectorIndex;
  encoder: Encoder;
  pack: ModelPack;
  tools: FfmpegTools;
  options: ResolvedOptions;
  logger: Logger;
}

/** Told where a job stands; progress 0..1, null while it is unknown. */
export type ProgressListener = (stage: IngestStage, progress: number | null) => void;

/** A video's sound after the models. */
interface EncodedVideo {
  /** Seconds of sound that were decoded. */
  durationSeconds: number;
  /** In order of time. All in memory: 45 MB for 12 hours at 2 KB a segment. */
  segments: EncodedSegment[];
}

/** Share of the progress that encoding takes; the rest is the commit. */
const encodingShare = 0.98;

/**
 * Runs one job from its source to the commit, which happens in one transaction: what was there before stays as it is,
 * and findable, until then. Running a job again from the start is always safe.
 *
 * @param workerId the worker that holds the job; the commit is given up when the row says otherwise
 * @throws the errors of sources and media, MediaEmptyError, MediaTooLargeError, MediaNoAudioError, MediaSilentError,
 *   SourceChangedError, the errors of encoder, index and catalog, and JobInterruption
 */
export async function runPipeline(
  parts: PipelineParts,
  job: IngestJobRecord,
  workerId: string,
  onProgress: ProgressListener,
  signal: AbortSignal,
): Promise<void> {
  onProgress("PROBING", 0);
  const file = await openSource(job.order.source);
  const video = await encodeFile(parts, file, onProgress, signal);
  signal.throwIfAborted();
  onProgress("COMMITTING", encodingShare);
  await commit(parts, job, workerId, video);
}

async function encodeFile(
  parts: PipelineParts,
  file: SourceFile,
  onProgress: ProgressListener,
  signal: AbortSignal,
): Promise<EncodedVideo> {
  try {
    const video = await encodeSound(parts, file, onProgress, signal);
    await checkUnchanged(file);
    return video;
  } catch (error) {
    // A file that is still being copied looks damaged; that it changed is then the better answer.
    if (!signal.aborted) await checkUnchanged(file);
    throw error;
  }
}

async function checkUnchanged(file: SourceFile): Promise<void> {
  if (isUnchanged(file, await openSource({ kind: "path", path: file.path }))) return;
  throw new SourceChangedError("The file was changed while it was read. It is tried again when it may be complete.");
}

async function encodeSound(
  { encoder, pack, tools, options }: PipelineParts,
  file: SourceFile,
  onProgress: ProgressListener,
  signal: AbortSignal,
): Promise<EncodedVideo> {
  const { limits, temporaryDirectory } = options;
  if (file.bytes === 0) throw new MediaEmptyError("The file is empty.");
  if (file.bytes > limits.maxFileBytes) {
    throw new MediaTooLargeError(`The file has more than ${limits.maxFileBytes} bytes, which is the limit.`);
  }
  const media = await probe(tools, file.path, { ...limits, temporaryDirectory, signal });
  const stream = chooseAudioStream(media, options.audioTrack);
  if (stream === null) throw new MediaNoAudioError("The file has no audio track.");
  if (media.durationSeconds !== null && media.durationSeconds > limits.maxDurationSeconds) {
    throw new MediaTooLongError(`The file is longer than ${limits.maxDurationSeconds} seconds, which is the limit.`);
  }

  const { durationSeconds } = media;
  const share = (seconds: number) =>
    durationSeconds === null || durationSeconds <= 0 ? null : encodingShare * Math.min(1, seconds / durationSeconds);
  onProgress("ENCODING", share(0));
  const { sampleRate } = pack.manifest;
  const counter = new SampleCounter();
  const pcm = counter.count(decodePcm(tools, file.path, decodeOptions(stream, sampleRate, options), signal));
  const segments: EncodedSegment[] = [];
  const tell = ({ encodedSeconds }: { encodedSeconds: number }) => {
    onProgress("ENCODING", share(encodedSeconds));
  };
  for await (const group of encoder.encodeAudio(pcm, tell, signal)) segments.push(...group);
  if (segments.length === 0)
    throw new MediaSilentError("Nothing is heard on the audio track: it is silent throughout.");
  return { durationSeconds: counter.samples / sampleRate, segments };
}

function decodeOptions(stream: AudioStream, sampleRate: number, { limits, temporaryDirectory }: ResolvedOptions) {
  return { stream, sampleRate, temporaryDirectory, ...limits };
}

class SampleCounter {
  samples = 0;

  async *count(chunks: AsyncIterable<Float32Array>): AsyncGenerator<Float32Array> {
    for await (const chunk of chunks) {
      this.samples += chunk.length;
      yield chunk;
    }
  }
}

async function commit(
  { catalog, vectors, pack, logger }: PipelineParts,
  job: IngestJobRecord,
  workerId: string,
  { durationSeconds, segments }: EncodedVideo,
): Promise<void> {
  const { id, tenant, videoId, order } = job;
  if (videoId === null) throw new JobInterruption("lost");
  const named = segments.map((segment) => ({ ...segment, id: newId() }));
  const rows = named.map(({ index, vector: _, ...row }) => ({ ...row, ordinal: index }));
  const points = named.map(({ id, index, pattern, vector }) => {
    return { segmentId: id, videoId, tenant, ordinal: index, pattern, vector };
  });
  const pending = await catalog.transaction(async (tx) => {
    // The job first: a worker that lost it must not replace what its successor has written.
    if (!(await catalog.jobs.complete(tx, id, workerId))) throw new JobInterruption("lost");
    const sourceName = path.basename(order.source.path);
    if (!(await catalog.videos.markIndexed(tx, videoId, { ...order, sourceName, durationSeconds }))) {
      throw new JobInterruption("lost");
    }
    await catalog.segments.replaceForVideo(tx, pack.id, videoId, rows);
    return vectors.replaceVideo(pack.id, tenant, videoId, points, tx);
  });
  await pending.publish().catch((error: unknown) => {
    // The job is done all the same: what it wrote is read when the index is opened again.
    logger.error({ err: error, jobId: id, videoId }, "the vector index did not take up a video that was committed");
  });
}
