import { codecUnsupported, type DecodeLimits } from "./decoder.js";
import type { FfmpegTools } from "./ffmpeg.js";
import type { VideoStream } from "./probe.js";
import { runSpanDecoder, seekSeconds, spanArguments, type MediaSpan } from "./span.js";

/** What to decode to which frames, and the limits. */
export interface FrameOptions extends DecodeLimits {
  /** The stream to decode. */
  stream: VideoStream;
  framesPerSecond: number;
  /** Pixels of a frame. */
  width: number;
  height: number;
  /** The part of the file that is wanted. @default all of it */
  span?: MediaSpan;
}

/** Pixels of the largest picture that is decoded: 8K. A larger one costs a decoder gigabytes. */
const maxPixels = 8192 * 4608;

/** Threads of one decoder. By default it takes one for each core, each with pictures of its own. */
const decoderThreads = 2;

/** How much longer than a frame the scaled picture may be on one side; narrower pictures are stretched. */
const longestSide = 8;

/**
 * Decodes a video stream to RGB frames, one at a time: [height, width, 3] bytes, row-major, as many a second as asked
 * for whatever the stream has. The first frame is the stream's first picture, which is shown at `stream.startSeconds`, or
 * with a span that begins later the picture that is shown when the span begins.
 *
 * Pictures are turned as the file says, scaled until they cover a frame, and cut to it around their centre. ffmpeg is
 * read no faster than the frames are taken, and it is gone when the iteration ends, be it at the end, by `break`, by an
 * error, or by the signal. A file that breaks off in the middle gives what comes before.
 *
 * @throws MediaTruncatedError or MediaCodecUnsupportedError when not a single picture can be decoded,
 *   MediaTooLongError, MediaDecodeTimeoutError, MediaDecoderCrashedError, FfmpegUnavailableError, and the signal's
 *   reason when aborted
 */
export async function* decodeFrames(
  tools: FfmpegTools,
  file: string,
  options: FrameOptions,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { stream, width, height, framesPerSecond, span } = options;
  if (stream.codec === null) throw codecUnsupported("pictures", "ffprobe does not know the codec");
  const args = frameArguments(file, options);
  const unitBytes = width * height * 3;
  const units = { unitBytes, unitsPerSecond: framesPerSecond };
  const first = Math.max(stream.startSeconds, seekSeconds(span));
  const pictures = runSpanDecoder(tools, { subject: "pictures", args, ...units }, first, options, signal);
  for await (const bytes of pictures) {
    for (let offset = 0; offset < bytes.length; offset += unitBytes) {
      yield bytes.length === unitBytes ? bytes : bytes.slice(offset, offset + unitBytes);
    }
  }
}

function frameArguments(file: string, { stream, framesPerSecond, width, height, span }: FrameOptions): string[] {
  const seek = seekSeconds(span);
  // In the middle of the stream the frames begin where ffmpeg began to read, by the clock of the container.
  const start = seek > stream.startSeconds ? `:start_time=${stream.clockSeconds + seek}` : "";
  // `dar`: width / height as it is shown, where pixels need not be square.
  const side = (length: number, other: string) => `clip(round(${other}),${length},${longestSide * length})`;
  const filters = [
    // The last picture passes however short it is shown, or a film of one picture might have none.
    `fps=fps=${framesPerSecond}:eof_action=pass${start}`,
    // Counted from the first picture: versions of ffmpeg disagree about the first timestamp, and fill the time before.
    "setpts=N",
    `scale=w='${side(width, `${height}*dar`)}':h='${side(height, `${width}/dar`)}'`,
    "format=rgb24",
    `crop=${width}:${height}`,
  ];
  return [
    ...["-nostdin", "-hide_banner", "-v", "error"],
    ...["-threads", String(decoderThreads), "-max_pixels", String(maxPixels)],
    // Pictures that change their size are scaled anew. By default all filters start again, and with them the time.
    ...["-reinit_filter", "0"],
    // The picture that is shown at first may have come long before.
    ...(seek > 0 ? ["-noaccurate_seek"] : []),
    ...spanArguments(file, span),
    ...["-map", `0:${stream.index}`, "-an", "-sn", "-dn", "-map_metadata", "-1"],
    // The rate again: some versions forget it behind `setpts` and take one of their own.
    ...["-vf", filters.join(","), "-r", String(framesPerSecond)],
    ...["-c:v", "rawvideo", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"],
  ];
}
