import { open } from "node:fs/promises";
import { z } from "zod";
import {
  MediaFormatUnsupportedError,
  MediaProbeTimeoutError,
  MediaTruncatedError,
  MediaUnreadableError,
} from "../errors.js";
import type { FfmpegTools } from "./ffmpeg.js";
import { inputArguments } from "./input.js";
import { runTool } from "./tool.js";

/** What is told of every stream of a file. */
interface Stream {
  /** Index among all streams of the file. */
  index: number;
  /** ffmpeg's name of the codec, e.g. "aac"; null when ffmpeg does not know it. */
  codec: string | null;
  /** Flagged as the one to play. */
  isDefault: boolean;
  /** Seconds from the start of the file to the first sound or picture; never negative. */
  startSeconds: number;
  /** What the clock of the container shows at the start of the file, in seconds. */
  clockSeconds: number;
}

/** One audio track of a file. */
export interface AudioStream extends Stream {
  channels: number;
  /** Samples per second. */
  sampleRate: number;
  /** As tagged, mostly ISO 639-2 ("eng"); null when untagged. */
  language: string | null;
}

/** One stream of moving pictures. */
export interface VideoStream extends Stream {
  /** Pixels as they are stored, before the picture is turned or stretched; 0 when unknown. */
  width: number;
  height: number;
}

/** What a media file holds. */
export interface MediaProbe {
  /** ffmpeg's names of the container, e.g. "matroska,webm". */
  container: string;
  /** Null when the file does not say, e.g. a WebM that was written to a pipe. */
  durationSeconds: number | null;
  audioStreams: AudioStream[];
  /** Without attached pictures, such as the cover of an album. */
  videoStreams: VideoStream[];
}

/** Limits of {@link probe}. */
export interface ProbeOptions {
  /** Longest time ffprobe may take. */
  probeTimeoutSeconds: number;
  temporaryDirectory?: string;
  signal?: AbortSignal;
}

/** Output of ffprobe that is read; a file with more streams than that describes is hostile. */
const maxProbeBytes = 4 * 1024 ** 2;

/** ffprobe writes most numbers as text, and "N/A" where it does not know. */
const seconds = z
  .string()
  .transform(Number)
  .transform((value) => (Number.isFinite(value) ? value : undefined))
  .optional();

const report = z.object({
  format: z.object({ format_name: z.string(), duration: seconds, start_time: seconds }),
  streams: z
    .array(
      z.object({
        index: z.int(),
        codec_type: z.string().optional(),
        codec_name: z.string().optional(),
        channels: z.int().optional(),
        sample_rate: z.string().transform(Number).optional(),
        width: z.int().optional(),
        height: z.int().optional(),
        start_time: seconds,
        disposition: z.object({ default: z.int(), attached_pic: z.int() }).partial().optional(),
        tags: z.object({ language: z.string() }).partial().optional(),
      }),
    )
    .default([]),
});

const entries = [
  "format=format_name,duration,start_time",
  "stream=index,codec_type,codec_name,channels,sample_rate,width,height,start_time",
  "stream_disposition=default,attached_pic",
  "stream_tags=language",
].join(":");

/**
 * Looks into a media file.
 *
 * @throws MediaUnreadableError, MediaTruncatedError, MediaFormatUnsupportedError, MediaProbeTimeoutError,
 *   FfmpegUnavailableError
 */
export async function probe(tools: FfmpegTools, file: string, options: ProbeOptions): Promise<MediaProbe> {
  const args = ["-v", "error", "-hide_banner", "-show_entries", entries, "-of", "json", ...inputArguments(file)];
  const result = await runTool(tools.ffprobe, args, {
    timeoutSeconds: options.probeTimeoutSeconds,
    maxOutputBytes: maxProbeBytes,
    ...(options.temporaryDirectory === undefined ? {} : { temporaryDirectory: options.temporaryDirectory }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (result.overLimit) {
    throw new MediaProbeTimeoutError("Looking into the file took too long, or the file has too many streams.", {
      detail: result.stderr,
    });
  }
  const parsed = result.code === 0 ? report.safeParse(parseJson(result.stdout)) : undefined;
  if (parsed?.success !== true)
    throw await unreadable(file, result.stderr || `ffprobe ended with ${result.code ?? result.signal}`);
  return toProbe(parsed.data);
}

function toProbe({ format, streams }: z.output<typeof report>): MediaProbe {
  const start = format.start_time ?? 0;
  const common = (stream: (typeof streams)[number]): Stream => ({
    index: stream.index,
    codec: stream.codec_name === undefined || stream.codec_name === "unknown" ? null : stream.codec_name,
    isDefault: stream.disposition?.default === 1,
    startSeconds: Math.max(0, (stream.start_time ?? start) - start),
    clockSeconds: start,
  });
  const audioStreams = streams
    .filter(({ codec_type }) => codec_type === "audio")
    .map((stream) => ({
      ...common(stream),
      channels: stream.channels ?? 0,
      sampleRate: stream.sample_rate ?? 0,
      language: stream.tags?.language ?? null,
    }));
  const videoStreams = streams
    .filter(({ codec_type, disposition }) => codec_type === "video" && disposition?.attached_pic !== 1)
    .map((stream) => ({ ...common(stream), width: stream.width ?? 0, height: stream.height ?? 0 }));
  return { container: format.format_name, durationSeconds: format.duration ?? null, audioStreams, videoStreams };
}

/** The track to listen to: with "default" the first that is flagged so, else the first; null when there is none. */
export function chooseAudioStream(media: MediaProbe, track: "default" | "first"): AudioStream | null {
  const flagged = track === "default" ? media.audioStreams.find((stream) => stream.isDefault) : undefined;
  return flagged ?? media.audioStreams[0] ?? null;
}

/** The pictures to look at: the first stream that is flagged as default, else the first; null when there is none. */
export function chooseVideoStream({ videoStreams }: MediaProbe): VideoStream | null {
  return videoStreams.find(({ isDefault }) => isDefault) ?? videoStreams[0] ?? null;
}

/** The reason why ffprobe could not read a file. */
async function unreadable(file: string, detail: string): Promise<Error> {
  if (detail.includes("not on whitelist")) {
    return new MediaFormatUnsupportedError(
      "The file has a format that Earshot does not open, for example a playlist or an image.",
      { detail },
    );
  }
  if (detail.includes("moov atom not found") && (await startsLikeMp4(file))) {
    return new MediaTruncatedError("The file breaks off before its index, so that nothing of it can be read.", {
      detail,
    });
  }
  return new MediaUnreadableError("The file is not a media file, or it is damaged.", { detail });
}

/** ffmpeg looks for an MP4 index in anything that is named .mp4; a real MP4 begins with a box called "ftyp". */
async function startsLikeMp4(file: string): Promise<boolean> {
  const handle = await open(file).catch(() => null);
  if (handle === null) return false;
  try {
    const { buffer } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    return buffer.toString("latin1", 4) === "ftyp";
  } finally {
    await handle.close();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
