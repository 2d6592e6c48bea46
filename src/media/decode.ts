import { codecUnsupported, type DecodeLimits } from "./decoder.js";
import type { FfmpegTools } from "./ffmpeg.js";
import type { AudioStream } from "./probe.js";
import { runSpanDecoder, seekSeconds, spanArguments, type MediaSpan } from "./span.js";

/** What to decode, and the limits. */
export interface DecodeOptions extends DecodeLimits {
  /** The track to decode. */
  stream: AudioStream;
  /** Samples per second of the output. */
  sampleRate: number;
  /** The part of the file that is wanted; the output begins with it. @default all of it */
  span?: MediaSpan;
}

/** Mixing to one channel adds the channels up at -3 dB each; another -3 dB make it the mean of a stereo pair. */
export const MIX_GAIN = Math.SQRT1_2;

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
  const { stream, sampleRate, span } = options;
  if (stream.codec === null) throw codecUnsupported("sound", "ffprobe does not know the codec");
  const args = decodeArguments(file, options);
  const units = { unitBytes: Float32Array.BYTES_PER_ELEMENT, unitsPerSecond: sampleRate };
  // The silence before a late start is decoded, too.
  const pcm = runSpanDecoder(tools, { subject: "sound", args, ...units }, seekSeconds(span), options, signal);
  for await (const bytes of pcm) yield new Float32Array(bytes.buffer);
}

function decodeArguments(file: string, { stream, sampleRate, span }: DecodeOptions): string[] {
  const seek = seekSeconds(span);
  // Containers disagree about the first timestamp, and so do versions of ffmpeg: the start is set by hand. In the middle
  // of the stream there is no first timestamp, but the clock of the container.
  const timestamps =
    seek > stream.startSeconds
      ? `PTS-(${stream.clockSeconds + seek})/TB`
      : `PTS-STARTPTS+${stream.startSeconds - seek}/TB`;
  return [
    ...["-nostdin", "-hide_banner", "-v", "error"],
    ...spanArguments(file, span),
    ...["-map", `0:${stream.index}`, ...pcmArguments(timestamps, sampleRate, stream.channels > 1), "pipe:1"],
  ];
}

/**
 * Arguments of ffmpeg that make mono PCM of a stream, up to the name of the output.
 *
 * @param timestamps where its sound lies, as an expression of the filter asetpts
 * @param isMixed whether it has several channels: they are turned down by {@link MIX_GAIN}
 */
export function pcmArguments(timestamps: string, sampleRate: number, isMixed: boolean): string[] {
  const filters = [
    `asetpts=${timestamps}`,
    // Fills the time before the start, and gaps, with silence.
    `aresample=${sampleRate}:async=1:first_pts=0`,
    ...(isMixed ? [`volume=${MIX_GAIN}`] : []),
  ];
  return [
    ...["-vn", "-sn", "-dn", "-map_metadata", "-1"],
    ...["-af", filters.join(","), "-ac", "1", "-ar", String(sampleRate)],
    // Without it every packet, 4 KB or less, is written and read on its own: that costs as much as the decoding.
    ...["-c:a", "pcm_f32le", "-flush_packets", "0", "-f", "f32le"],
  ];
}
