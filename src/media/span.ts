import { MediaTruncatedError } from "../errors.js";
import { runDecoder, type DecodeLimits, type DecoderOutput } from "./decoder.js";
import type { FfmpegTools } from "./ffmpeg.js";
import { inputArguments } from "./input.js";

/** A part of a file, in seconds from the file's start. */
export interface MediaSpan {
  startSeconds: number;
  /** Null: to the end of the file. */
  endSeconds: number | null;
}

/** Sound and pictures that are decoded before a span: enough for every decoder to forget where it began. */
const LEAD_SECONDS = 1;

/**
 * Where in the file decoding begins for the sake of a span, which is a little before it. A whole second: samples and
 * pictures then lie on the same grid as those of the whole file, whatever their rate.
 */
export function seekSeconds(span: MediaSpan | undefined): number {
  return span === undefined ? 0 : Math.max(0, Math.floor(span.startSeconds - LEAD_SECONDS));
}

/**
 * Arguments that open a file for the sake of a span. Times are those of the container's own clock: versions of ffmpeg
 * disagree about where another one would begin.
 */
export function spanArguments(file: string, span: MediaSpan | undefined): string[] {
  const seek = seekSeconds(span);
  return seek === 0 ? inputArguments(file) : ["-copyts", ...inputArguments(file, seek)];
}

/**
 * Runs ffmpeg as {@link runDecoder} does and gives what of its output is the span; ffmpeg is ended behind it.
 *
 * @param firstSeconds time in the file of the first unit that is decoded
 * @param options with `span`: all of the output when left out
 * @throws what {@link runDecoder} throws; MediaTruncatedError also when the output ends before the span
 */
export function runSpanDecoder(
  tools: FfmpegTools,
  output: Omit<DecoderOutput, "startSeconds">,
  firstSeconds: number,
  options: DecodeLimits & { span?: MediaSpan },
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { span, maxDurationSeconds } = options;
  if (span === undefined) return runDecoder(tools, { ...output, startSeconds: firstSeconds }, options, signal);
  const { startSeconds, endSeconds } = span;
  // What comes behind the end of a span is not part of it, and may have been read with it.
  const isShort = endSeconds !== null && endSeconds - startSeconds <= maxDurationSeconds;
  const limits = { ...options, maxDurationSeconds: isShort ? Infinity : maxDurationSeconds };
  const decoded = runDecoder(tools, { ...output, startSeconds: firstSeconds - startSeconds }, limits, signal);
  return takeSpan(decoded, cutOf(span, firstSeconds, output));
}

/** What of a decoder's output is the span, in bytes. */
interface SpanCut {
  /** Those that come before it. */
  skip: number;
  /** Those of the span; Infinity: all that come. */
  take: number;
}

function cutOf(
  { startSeconds, endSeconds }: MediaSpan,
  firstSeconds: number,
  { unitBytes, unitsPerSecond }: Pick<DecoderOutput, "unitBytes" | "unitsPerSecond">,
): SpanCut {
  const bytes = (seconds: number) => unitBytes * Math.max(0, Math.round(seconds * unitsPerSecond));
  return {
    skip: bytes(startSeconds - firstSeconds),
    take: endSeconds === null ? Infinity : bytes(endSeconds - Math.max(startSeconds, firstSeconds)),
  };
}

async function* takeSpan(
  output: AsyncIterable<Uint8Array<ArrayBuffer>>,
  { skip, take }: SpanCut,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let position = 0;
  for await (const bytes of output) {
    const from = Math.max(0, skip - position);
    const to = Math.min(bytes.length, skip + take - position);
    position += bytes.length;
    if (from < to) yield from === 0 && to === bytes.length ? bytes : bytes.slice(from, to);
    if (position >= skip + take) return;
  }
  if (position <= skip) throw new MediaTruncatedError("The file ends before the part of it that is the clip.");
}
