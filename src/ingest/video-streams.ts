import type { Logger, ResolvedOptions } from "../config/index.js";
import type { VideoStreams } from "../encoding/index.js";
import {
  MediaCodecUnsupportedError,
  MediaNoAudioError,
  MediaNoPicturesError,
  MediaTruncatedError,
  type EarshotError,
} from "../errors.js";
import {
  chooseAudioStream,
  chooseVideoStream,
  decodeFrames,
  decodePcm,
  type FfmpegTools,
  type MediaProbe,
} from "../media/index.js";
import type { ModelPack } from "../models/index.js";

/** What streams are opened with. */
export interface StreamParts {
  pack: ModelPack;
  tools: FfmpegTools;
  options: ResolvedOptions;
  logger: Logger;
}

/** The streams of a file that its pack attends to. */
export interface OpenedStreams {
  streams: VideoStreams;
  /** Why a stream turned out to hold nothing; filled while they are read. */
  problems: { sound?: EarshotError; pictures?: EarshotError };
}

type ErrorClass = new (...args: never[]) => EarshotError;

/**
 * Opens the sound and the pictures of a file, as far as the pack has experts for them; ffmpeg starts when they are read.
 *
 * A stream of which nothing can be decoded counts as absent: the other one may do. Only sound in an unknown codec is an
 * error at once, since a better ffmpeg would hear it.
 *
 * @throws MediaNoAudioError, MediaNoPicturesError when the file has nothing for the pack
 */
export function openStreams(parts: StreamParts, file: string, media: MediaProbe, signal: AbortSignal): OpenedStreams {
  const { pack, tools, options, logger } = parts;
  const { experts, sampleRate } = pack.manifest;
  const takes = (modality: "audio" | "visual") => experts.some((expert) => expert.modality === modality);
  const sound = takes("audio") ? chooseAudioStream(media, options.audioTrack) : null;
  const pictures = takes("visual") ? chooseVideoStream(media) : null;
  if (sound === null && pictures === null) throw nothingFor(takes("audio"), takes("visual"));

  const limits = { temporaryDirectory: options.temporaryDirectory, ...options.limits };
  const problems: OpenedStreams["problems"] = {};
  const readable = <T>(subject: keyof typeof problems, stream: AsyncIterable<T>, tolerated: readonly ErrorClass[]) => {
    // Without the other one there is nothing to go on with.
    if (sound === null || pictures === null) return stream;
    return orNothing(stream, tolerated, (problem) => {
      problems[subject] = problem;
      logger.warn({ err: problem, subject }, "a stream of a video cannot be decoded and counts as absent");
    });
  };
  const streams: VideoStreams = {};
  if (sound !== null) {
    const pcm = decodePcm(tools, file, { stream: sound, sampleRate, ...limits }, signal);
    streams.sound = readable("sound", pcm, [MediaTruncatedError]);
  }
  if (pictures !== null) {
    streams.pictures = {
      startSeconds: pictures.startSeconds,
      open: ({ framesPerSecond, frameWidth: width, frameHeight: height }) => {
        const format = { stream: pictures, framesPerSecond, width, height };
        const frames = decodeFrames(tools, file, { ...format, ...limits }, signal);
        return readable("pictures", frames, [MediaTruncatedError, MediaCodecUnsupportedError]);
      },
    };
  }
  return { streams, problems };
}

function nothingFor(hears: boolean, sees: boolean): EarshotError {
  if (!hears) return new MediaNoPicturesError("The file has no pictures.");
  return new MediaNoAudioError(
    sees ? "The file has neither an audio track nor pictures." : "The file has no audio track.",
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
