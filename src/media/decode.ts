import {
  MediaCodecUnsupportedError,
  MediaDecodeTimeoutError,
  MediaDecoderCrashedError,
  MediaTooLongError,
  MediaTruncatedError,
} from "../errors.js";
import type { FfmpegTools } from "./ffmpeg.js";
import { inputArguments } from "./input.js";
import { startTool, type RunningTool } from "./tool.js";
import type { AudioStream } from "./probe.js";

/** What to decode, and the limits. */
export interface DecodeOptions {
  /** The track to decode. */
  stream: AudioStream;
  /** Samples per second of the output. */
  sampleRate: number;
  /** Longest audio that is accepted. */
  maxDurationSeconds: number;
  /** Longest time that ffmpeg may let Earshot wait, all waits together. */
  decodeTimeoutSeconds: number;
  /** Longest single wait. */
  stallTimeoutSeconds: number;
  temporaryDirectory?: string;
}

/** Mixing to one channel adds the channels up at -3 dB each; another -3 dB make it the mean of a stereo pair. */
const mixGain = Math.SQRT1_2;

/**
 * Decodes one audio track to mono PCM: float32, full scale = 1, on the timeline of the file (time before a late start
 * and gaps are silence). ffmpeg is read no faster than the chunks are taken, and it is gone when the iteration ends, be
 * it at the end, by `break`, by an error, or by the signal.
 *
 * A file that breaks off in the middle gives what comes before.
 *
 * @throws MediaTruncatedError or MediaCodecUnsupportedError when not a single sample can be decoded, MediaTooLongError,
 *   MediaDecodeTimeoutError, MediaDecoderCrashedError, FfmpegUnavailableError, and the signal's reason when aborted
 */
export async function* decodePcm(
  tools: FfmpegTools,
  file: string,
  options: DecodeOptions,
  signal?: AbortSignal,
): AsyncGenerator<Float32Array<ArrayBuffer>> {
  signal?.throwIfAborted();
  if (options.stream.codec === null) throw unsupported("ffprobe does not know the codec");
  const tool = await startTool(tools.ffmpeg, decodeArguments(file, options), options.temporaryDirectory);
  try {
    const samples = yield* readSamples(tool, options, signal);
    const exit = await tool.ended;
    if (exit.signal !== null) {
      throw new MediaDecoderCrashedError("ffmpeg crashed while it decoded the file.", {
        detail: `${exit.signal}: ${tool.stderr()}`,
      });
    }
    if (samples === 0) throw nothingDecoded(tool.stderr());
  } finally {
    await tool.dispose();
  }
}

function decodeArguments(file: string, { stream, sampleRate }: DecodeOptions): string[] {
  const filters = [
    // Containers disagree about the first timestamp, and so do versions of ffmpeg: the start is set by hand.
    `asetpts=PTS-STARTPTS+${stream.startSeconds}/TB`,
    // Fills the time before the start, and gaps, with silence.
    `aresample=${sampleRate}:async=1:first_pts=0`,
    ...(stream.channels > 1 ? [`volume=${mixGain}`] : []),
  ];
  return [
    ...["-nostdin", "-hide_banner", "-v", "error"],
    ...inputArguments(file),
    ...["-map", `0:${stream.index}`, "-vn", "-sn", "-dn", "-map_metadata", "-1"],
    ...["-af", filters.join(","), "-ac", "1", "-ar", String(sampleRate)],
    // Without it every packet, 4 KB or less, is written and read on its own: that costs as much as the decoding.
    ...["-c:a", "pcm_f32le", "-flush_packets", "0", "-f", "f32le", "pipe:1"],
  ];
}

/** Yields the samples as they come and keeps the limits; gives their number. */
async function* readSamples(
  tool: RunningTool,
  options: DecodeOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<Float32Array<ArrayBuffer>, number> {
  const maxSamples = options.maxDurationSeconds * options.sampleRate;
  const chunks = (tool.stdout as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const clock = new WaitingClock(options);
  let rest: Buffer = Buffer.alloc(0);
  let samples = 0;
  for (;;) {
    const chunk = await clock.wait(chunks.next(), tool, signal);
    if (chunk.done === true) return samples;
    const bytes = rest.length === 0 ? chunk.value : Buffer.concat([rest, chunk.value]);
    const whole = bytes.length - (bytes.length % Float32Array.BYTES_PER_ELEMENT);
    rest = bytes.subarray(whole);
    samples += whole / Float32Array.BYTES_PER_ELEMENT;
    if (samples > maxSamples) {
      throw new MediaTooLongError(
        `The sound is longer than ${options.maxDurationSeconds} seconds, which is the limit.`,
      );
    }
    // A copy: the pipe's buffers are not aligned, and they are used again.
    if (whole > 0) yield new Float32Array(new Uint8Array(bytes.subarray(0, whole)).buffer);
  }
}

/** Counts the time spent waiting for ffmpeg, and not the time ffmpeg waits for its reader. */
class WaitingClock {
  private waitedMs = 0;

  constructor(private readonly limits: Pick<DecodeOptions, "decodeTimeoutSeconds" | "stallTimeoutSeconds">) {}

  async wait<T>(work: Promise<T>, tool: RunningTool, signal: AbortSignal | undefined): Promise<T> {
    const { decodeTimeoutSeconds, stallTimeoutSeconds } = this.limits;
    const leftMs = Math.min(decodeTimeoutSeconds * 1000 - this.waitedMs, stallTimeoutSeconds * 1000);
    const started = performance.now();
    const timeout = { passed: false };
    // Killing ends the pipe, and with it the wait.
    const timer = setTimeout(() => {
      timeout.passed = true;
      tool.kill();
    }, leftMs);
    signal?.addEventListener("abort", tool.kill);
    try {
      const result = await work;
      signal?.throwIfAborted();
      if (timeout.passed)
        throw new MediaDecodeTimeoutError("Decoding took longer than is allowed.", { detail: tool.stderr() });
      return result;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", tool.kill);
      this.waitedMs += performance.now() - started;
    }
  }
}

function nothingDecoded(stderr: string): Error {
  if (/decoder .*not found|decoding requested, but no decoder|unsupported codec|could not find codec/i.test(stderr)) {
    return unsupported(stderr);
  }
  return new MediaTruncatedError("No sound could be decoded: the file breaks off, or it is damaged.", {
    detail: stderr,
  });
}

function unsupported(detail: string): Error {
  return new MediaCodecUnsupportedError("The sound is in a codec that this ffmpeg cannot decode.", { detail });
}
