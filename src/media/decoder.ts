import {
  MediaCodecUnsupportedError,
  MediaDecoderCrashedError,
  MediaTooLongError,
  MediaTruncatedError,
} from "../errors.js";
import type { FfmpegTools } from "./ffmpeg.js";
import { startTool, type RunningTool } from "./tool.js";
import { WaitingClock, type WaitingLimits } from "./waiting-clock.js";

/** The limits of a decoder. */
export interface DecodeLimits extends WaitingLimits {
  /** Longest stream that is accepted, on the timeline of the file. */
  maxDurationSeconds: number;
  temporaryDirectory?: string;
}

/** What a decoder is to give. */
export interface DecoderOutput {
  /** What it decodes, for messages. */
  subject: "sound" | "pictures";
  /** Arguments of ffmpeg; it writes to `pipe:1`. */
  args: readonly string[];
  /** Bytes of what cannot be divided: a sample, a frame. */
  unitBytes: number;
  unitsPerSecond: number;
  /** Seconds from the start of the file to the first unit, which count towards the longest stream. */
  startSeconds: number;
}

const beginning = { sound: "The sound is", pictures: "The pictures are" } as const;

/**
 * Runs ffmpeg and yields what it decodes, in buffers of their own that hold whole units. ffmpeg is read no faster than
 * the buffers are taken, and it is gone when the iteration ends, be it at the end, by `break`, by an error, or by the
 * signal. A file that breaks off in the middle gives what comes before.
 *
 * @throws MediaTruncatedError or MediaCodecUnsupportedError when not a single unit can be decoded, MediaTooLongError,
 *   MediaDecodeTimeoutError, MediaDecoderCrashedError, FfmpegUnavailableError, and the signal's reason when aborted
 */
export async function* runDecoder(
  { ffmpeg }: FfmpegTools,
  output: DecoderOutput,
  limits: DecodeLimits,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  signal?.throwIfAborted();
  const tool = await startTool(ffmpeg, output.args, limits.temporaryDirectory);
  try {
    const units = yield* readUnits(tool, output, limits, signal);
    const exit = await tool.ended;
    if (exit.signal !== null) {
      throw new MediaDecoderCrashedError("ffmpeg crashed while it decoded the file.", {
        detail: `${exit.signal}: ${tool.stderr()}`,
      });
    }
    if (units === 0) throw nothingDecoded(output, tool.stderr());
  } finally {
    await tool.dispose();
  }
}

/** Yields the units as they come and keeps the limits; gives their number. */
async function* readUnits(
  tool: RunningTool,
  { subject, unitBytes, unitsPerSecond, startSeconds }: DecoderOutput,
  limits: DecodeLimits,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>, number> {
  const maxUnits = (limits.maxDurationSeconds - startSeconds) * unitsPerSecond;
  const chunks = (tool.stdout as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const clock = new WaitingClock(limits);
  let parts: Buffer[] = [];
  let bytes = 0;
  let units = 0;
  for (;;) {
    const chunk = await clock.wait(chunks.next(), tool, signal);
    if (chunk.done === true) return units;
    parts.push(chunk.value);
    bytes += chunk.value.length;
    const whole = bytes - (bytes % unitBytes);
    if (whole === 0) continue;
    units += whole / unitBytes;
    if (units > maxUnits) {
      throw new MediaTooLongError(
        `${beginning[subject]} longer than ${limits.maxDurationSeconds} seconds, which is the limit.`,
      );
    }
    // A copy: the pipe's buffers are not aligned, and they are used again.
    const filled = new Uint8Array(whole);
    const rest = fill(filled, parts);
    parts = rest.length === 0 ? [] : [rest];
    bytes -= whole;
    yield filled;
  }
}

/** Copies the parts, one after the other, until the target is full; gives what the last one has left. */
function fill(target: Uint8Array, parts: readonly Buffer[]): Buffer {
  let offset = 0;
  let rest: Buffer = Buffer.alloc(0);
  for (const part of parts) {
    const taken = part.subarray(0, target.length - offset);
    target.set(taken, offset);
    offset += taken.length;
    rest = part.subarray(taken.length);
  }
  return rest;
}

function nothingDecoded({ subject }: DecoderOutput, stderr: string): Error {
  const unknown = /decoder .*not found|decoding requested, but no decoder|unsupported codec|could not find codec/i;
  if (unknown.test(stderr) || /picture size \S+ (is invalid|exceeds)/i.test(stderr))
    return codecUnsupported(subject, stderr);
  return new MediaTruncatedError(`No ${subject} could be decoded: the file breaks off, or it is damaged.`, {
    detail: stderr,
  });
}

/** The error for a stream that ffmpeg cannot decode. */
export function codecUnsupported(subject: DecoderOutput["subject"], detail: string): Error {
  const ofSize = subject === "pictures" ? ", or of a size," : "";
  return new MediaCodecUnsupportedError(`${beginning[subject]} in a codec${ofSize} that this ffmpeg cannot decode.`, {
    detail,
  });
}
