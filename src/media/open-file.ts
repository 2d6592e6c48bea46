import type { Logger, ResolvedOptions } from "../config/index.js";
import {
  MediaCodecUnsupportedError,
  MediaEmptyError,
  MediaNoAudioError,
  MediaNoPicturesError,
  MediaSilentError,
  MediaTooLargeError,
  MediaTooLongError,
  MediaTruncatedError,
  type EarshotError,
} from "../errors.js";
import type { FrameFormat } from "../models/index.js";
import { decodeFrames } from "./decode-frames.js";
import { decodePcm } from "./decode.js";
import type { FfmpegTools } from "./ffmpeg.js";
import { chooseAudioStream, chooseVideoStream, probe, type MediaProbe } from "./probe.js";
import { seekSeconds, type MediaSpan } from "./span.js";

/** What files are opened with. */
export interface MediaParts {
  tools: FfmpegTools;
  options: Pick<ResolvedOptions, "limits" | "audioTrack" | "temporaryDirectory">;
  logger: Logger;
}

/** A file and what of it is wanted. */
export interface MediaRequest {
  /** Absolute path. */
  path: string;
  bytes: number;
  /** Whether sound is wanted. */
  sound: boolean;
  /** Whether pictures are wanted. */
  pictures: boolean;
  /** Samples per second of the sound. */
  sampleRate: number;
  /** The part of the file that is wanted. @default all of it */
  span?: MediaSpan;
}

/** The streams of a file that are wanted and there; ffmpeg starts when they are read. Times count from the span's start. */
export interface MediaStreams {
  /** Mono PCM. */
  sound?: AsyncIterable<Float32Array>;
  pictures?: {
    /** Seconds to the first picture. */
    startSeconds: number;
    /** Frames in order of time: RGB bytes, [frameHeight, frameWidth, 3] row-major. */
    open(format: FrameFormat): AsyncIterable<Uint8Array>;
  };
}

/** An open file. Close it when done. */
export interface OpenedMedia {
  streams: MediaStreams;
  /** Length of the file or the span as the file tells it; null when it does not. */
  durationSeconds: number | null;
  /** Why nothing is heard or seen in the file, if that is what came out when its streams had been read. */
  whyNothing(): EarshotError;
  /** Ends the decoders that still run. */
  close(): void;
}

type ErrorClass = new (...args: never[]) => EarshotError;

/**
 * Opens the sound and the pictures of a file, within the limits of the options.
 *
 * A stream of which nothing can be decoded counts as absent: the other one may do. Only sound in an unknown codec is an
 * error, since a better ffmpeg would hear it.
 *
 * @throws MediaEmptyError, MediaTooLargeError, MediaTooLongError, MediaNoAudioError or MediaNoPicturesError when the file
 *   has nothing of what is wanted, MediaTruncatedError when it ends before the span, and the errors of probing
 */
export async function openMediaFile(
  { tools, options, logger }: MediaParts,
  request: MediaRequest,
  signal: AbortSignal,
): Promise<OpenedMedia> {
  const { path: file, bytes, span } = request;
  const { maxFileBytes, maxDurationSeconds } = options.limits;
  if (bytes === 0) throw new MediaEmptyError("The file is empty.");
  if (bytes > maxFileBytes) {
    throw new MediaTooLargeError(`The file has more than ${maxFileBytes} bytes, which is the limit.`);
  }
  const limits = { temporaryDirectory: options.temporaryDirectory, ...options.limits };
  const media = await probe(tools, file, { ...limits, signal });
  const sound = request.sound ? chooseAudioStream(media, options.audioTrack) : null;
  const pictures = request.pictures ? chooseVideoStream(media) : null;
  if (sound === null && pictures === null) throw nothingWanted(request);
  const durationSeconds = lengthOf(media, span);
  if (durationSeconds !== null && durationSeconds <= 0 && span !== undefined) {
    throw new MediaTruncatedError("The file ends before the part of it that is the clip.");
  }
  if (durationSeconds !== null && durationSeconds > maxDurationSeconds) {
    throw new MediaTooLongError(`The file is longer than ${maxDurationSeconds} seconds, which is the limit.`);
  }

  const decoding = new AbortController();
  const ended = AbortSignal.any([signal, decoding.signal]);
  const problems: { sound?: EarshotError; pictures?: EarshotError } = {};
  const readable = <T>(subject: keyof typeof problems, stream: AsyncIterable<T>, tolerated: readonly ErrorClass[]) => {
    // Without the other one there is nothing to go on with.
    if (sound === null || pictures === null) return stream;
    return orNothing(stream, tolerated, (problem) => {
      problems[subject] = problem;
      logger.warn({ err: problem, subject }, "a stream of a video cannot be decoded and counts as absent");
    });
  };
  const common = { ...limits, ...(span === undefined ? {} : { span }) };
  const streams: MediaStreams = {};
  if (sound !== null) {
    const pcm = decodePcm(tools, file, { ...common, stream: sound, sampleRate: request.sampleRate }, ended);
    streams.sound = readable("sound", pcm, [MediaTruncatedError]);
  }
  if (pictures !== null) {
    const first = Math.max(pictures.startSeconds, seekSeconds(span));
    streams.pictures = {
      startSeconds: Math.max(0, first - (span?.startSeconds ?? 0)),
      open: ({ framesPerSecond, frameWidth: width, frameHeight: height }) => {
        const frames = decodeFrames(
          tools,
          file,
          { ...common, stream: pictures, framesPerSecond, width, height },
          ended,
        );
        return readable("pictures", frames, [MediaTruncatedError, MediaCodecUnsupportedError]);
      },
    };
  }
  return {
    streams,
    durationSeconds,
    whyNothing: () =>
      problems.sound ??
      problems.pictures ??
      new MediaSilentError("Nothing is heard on the audio track: it is silent throughout."),
    close: () => {
      decoding.abort();
    },
  };
}

function lengthOf({ durationSeconds }: MediaProbe, span: MediaSpan | undefined): number | null {
  if (span === undefined) return durationSeconds;
  const end = Math.min(durationSeconds ?? Infinity, span.endSeconds ?? Infinity);
  return end === Infinity ? null : end - span.startSeconds;
}

function nothingWanted({ sound, pictures }: MediaRequest): EarshotError {
  if (!sound) return new MediaNoPicturesError("The file has no pictures.");
  return new MediaNoAudioError(
    pictures ? "The file has neither an audio track nor pictures." : "The file has no audio track.",
  );
}

/** The same items; an end at once where the stream fails, before its first item, for one of the tolerated reasons. */
async function* orNothing<T>(
  stream: AsyncIterable<T>,
  tolerated: readonly ErrorClass[],
  onProblem: (problem: EarshotError) => void,
): AsyncGenerator<T, void, undefined> {
  try {
    yield* stream;
  } catch (error) {
    // These are thrown only when nothing at all was decoded.
    const cause = tolerated.find((kind) => error instanceof kind);
    if (cause === undefined) throw error;
    onProblem(error as EarshotError);
  }
}
