import { newId, type IngestJobRecord, type IngestStage } from "../catalog/index.js";
import type { Logger, ResolvedOptions } from "../config/index.js";
import type { EncodedSegment, PackRuntime } from "../encoding/index.js";
import { SourceChangedError } from "../errors.js";
import { openMediaFile, type FfmpegTools } from "../media/index.js";
import { JobInterruption } from "../queue/index.js";
import type { VectorIndex } from "../vectors/index.js";
import { cacheableMedia } from "./cacheable-media.js";
import { TargetChanged, targetOf, type JobTarget, type TargetParts } from "./job-target.js";
import { isUnchanged, openSourceOfJob, type SourceFile } from "./sources.js";

/** What a pipeline works with. */
export interface PipelineParts extends TargetParts {
  vectors: VectorIndex;
  tools: FfmpegTools;
  options: ResolvedOptions;
  logger: Logger;
  /** Told how long the media are, in seconds; null when the file does not say. */
  onMedia?: (durationSeconds: number | null) => void;
}

/** Told where a job stands; progress 0..1, null while it is unknown. */
export type ProgressListener = (stage: IngestStage, progress: number | null) => void;

/** A video after the models. */
interface EncodedVideo {
  /** Seconds of the longest stream that was decoded. */
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
 * @returns seconds of what was indexed
 * @throws the errors of sources and media, MediaSilentError, SourceChangedError, LivePackMissingError, the errors of
 *   encoder, index and catalog, and JobInterruption
 */
export async function runPipeline(
  parts: PipelineParts,
  job: IngestJobRecord,
  workerId: string,
  onProgress: ProgressListener,
  signal: AbortSignal,
): Promise<number> {
  for (;;) {
    signal.throwIfAborted();
    const target = await targetOf(parts, job);
    try {
      onProgress("PROBING", 0);
      const file = await openSourceOfJob(target.source, parts.options.mediaRoots);
      const video = await encodeFile(parts, target.runtime, file, onProgress, signal);
      signal.throwIfAborted();
      onProgress("COMMITTING", encodingShare);
      await commit(parts, target, job, workerId, video, signal);
      return video.durationSeconds;
    } catch (error) {
      const goesOn = !signal.aborted && (error instanceof TargetChanged || (await target.hasChanged()));
      if (!goesOn) throw error;
      parts.logger.info({ jobId: job.id }, "what the job was to do has changed meanwhile; it starts again");
    } finally {
      target.runtime.release();
    }
  }
}

async function encodeFile(
  parts: PipelineParts,
  runtime: PackRuntime,
  file: SourceFile,
  onProgress: ProgressListener,
  signal: AbortSignal,
): Promise<EncodedVideo> {
  try {
    const video = await encodeStreams(parts, runtime, file, onProgress, signal);
    await checkUnchanged(parts, file);
    return video;
  } catch (error) {
    // A file that is still being copied looks damaged; that it changed is then the better answer.
    if (!signal.aborted) await checkUnchanged(parts, file);
    throw error;
  }
}

async function checkUnchanged({ options }: PipelineParts, file: SourceFile): Promise<void> {
  const now = await openSourceOfJob({ kind: "path", path: file.path }, options.mediaRoots);
  if (isUnchanged(file, now)) return;
  throw new SourceChangedError("The file was changed while it was read. It is tried again when it may be complete.");
}

async function encodeStreams(
  parts: PipelineParts,
  { pack, encoder }: PackRuntime,
  file: SourceFile,
  onProgress: ProgressListener,
  signal: AbortSignal,
): Promise<EncodedVideo> {
  const { experts, sampleRate } = pack.manifest;
  const sound = experts.some(({ modality }) => modality === "audio");
  const pictures = experts.some(({ modality }) => modality === "visual");
  // Before it is opened: what is kept must not be older than its name.
  const cacheable = await cacheableMedia(parts, file.path);
  const media = await openMediaFile(parts, { ...file, sound, pictures, sampleRate }, signal);

  parts.onMedia?.(media.durationSeconds);
  const share = (seconds: number) => shareOfEncoding(seconds, media.durationSeconds);
  onProgress("ENCODING", share(0));
  let durationSeconds = 0;
  const tell = ({ decodedSeconds, encodedSeconds }: { decodedSeconds: number; encodedSeconds: number }) => {
    durationSeconds = decodedSeconds;
    onProgress("ENCODING", share(encodedSeconds));
  };
  const streams = { ...media.streams, ...(cacheable === undefined ? {} : { media: cacheable }) };
  const segments: EncodedSegment[] = [];
  try {
    for await (const group of encoder.encodeVideo(streams, tell, signal)) segments.push(...group);
  } finally {
    // When one stream has failed, the decoder of another may still wait for its reader.
    media.close();
  }
  if (segments.length > 0) return { durationSeconds, segments };
  throw media.whyNothing();
}

/** Share of a job's progress; null when the length of the media is unknown. */
function shareOfEncoding(seconds: number, durationSeconds: number | null): number | null {
  if (durationSeconds === null || durationSeconds <= 0) return null;
  return encodingShare * Math.min(1, seconds / durationSeconds);
}

async function commit(
  { catalog, vectors, logger }: PipelineParts,
  { runtime: { pack }, writeVideo }: JobTarget,
  job: IngestJobRecord,
  workerId: string,
  { durationSeconds, segments }: EncodedVideo,
  signal: AbortSignal,
): Promise<void> {
  const { id, tenant, videoId } = job;
  if (videoId === null) throw new JobInterruption("lost");
  const named = segments.map((segment) => ({ ...segment, id: newId() }));
  const rows = named.map(({ index, vector: _, ...row }) => ({ ...row, ordinal: index }));
  const points = named.map(({ id, index, pattern, vector }) => {
    return { segmentId: id, videoId, tenant, ordinal: index, pattern, vector };
  });
  const staged = await vectors.stageVideo(pack.id, tenant, videoId, points, signal);
  const write = catalog.transaction(async (tx) => {
    // Work that was ended, and only noticed now, must not commit.
    signal.throwIfAborted();
    // The job first: a worker that lost it must not replace what its successor has written.
    if (!(await catalog.jobs.complete(tx, id, workerId))) throw new JobInterruption("lost");
    const mediaVersion = await writeVideo(tx, durationSeconds);
    const contents = { indexId: pack.id, videoId, tenant, generation: staged.generation, mediaVersion };
    await catalog.segments.replaceForVideo(tx, contents, rows);
    return staged.commit(tx);
  });
  const pending = await write.catch(async (error: unknown) => {
    await staged.discard();
    throw error;
  });
  await pending.publish().catch((error: unknown) => {
    // The job is done all the same: what it wrote is read when the index is opened again.
    logger.error({ err: error, jobId: id, videoId }, "the vector index did not take up a video that was committed");
  });
}
