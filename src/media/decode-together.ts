import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { MIX_GAIN, pcmArguments } from "./decode.js";
import { inputArguments } from "./input.js";
import type { MediaParts } from "./open-file.js";
import { makeTemporaryFolder } from "./temporary.js";
import { runTool } from "./tool.js";

/** Most files that are decoded by one ffmpeg. More would hardly save anything. */
export const FILES_TOGETHER = 16;

/** Longest sound of a file, in seconds: all of it is held in memory. */
const LONGEST_SECONDS = 40;

/** Most that ffmpeg says about the files of one run; of what is behind that, files count as not plain. */
const LOG_CHARACTERS = 64 * 1024;

/**
 * Decodes the sound of short files with one ffmpeg: to look into each, and to start a decoder for each, takes longer than
 * to decode some seconds of sound. The samples are the very same as those of {@link openMediaFile}.
 *
 * That holds for plain files: those with one stream, which is sound of less than 40 seconds. For others, and when anything
 * goes wrong, even with one of them alone, there is null: `openMediaFile` tells more.
 *
 * @param files absolute paths; at most {@link FILES_TOGETHER}
 * @throws FfmpegUnavailableError, and the signal's reason when aborted
 */
export async function decodeTogether(
  { tools, options: { limits, temporaryDirectory } }: Pick<MediaParts, "tools" | "options">,
  files: readonly string[],
  sampleRate: number,
  signal: AbortSignal,
): Promise<(Float32Array | null)[]> {
  const longest = Math.min(LONGEST_SECONDS, limits.maxDurationSeconds);
  const folder = await makeTemporaryFolder(temporaryDirectory);
  try {
    const outputs = files.map((_, place) => path.join(folder, `${place}.f32`));
    const args = [
      ...["-nostdin", "-hide_banner", "-nostats", "-v", "info"],
      ...files.flatMap((file) => inputArguments(file)),
      ...outputs.flatMap((output, place) => {
        // The only stream of a file begins where the file does. How many channels it has is known only afterwards.
        const pcm = pcmArguments("PTS-STARTPTS", sampleRate, false);
        const sound = ["-map", `${place}:a:0`, "-t", String(longest), ...pcm];
        return [...sound, `file:${output}`];
      }),
    ];
    const result = await runTool(tools.ffmpeg, args, {
      timeoutSeconds: limits.stallTimeoutSeconds,
      maxOutputBytes: 0,
      stderrCharacters: LOG_CHARACTERS,
      temporaryDirectory,
      signal,
    });
    if (result.code !== 0) return files.map(() => null);
    const read = async (output: string, place: number) => {
      const channels = channelsOf(result.stderr, place);
      if (channels === null) return null;
      const bytes = await readFile(output);
      const samples = new Float32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 4));
      if (samples.length === 0 || samples.length >= longest * sampleRate) return null;
      return channels === "one" ? samples : samples.map((sample) => sample * gain);
    };
    return await Promise.all(outputs.map(read));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** As ffmpeg has it, which counts in single precision. */
const gain = Math.fround(MIX_GAIN);

/** The channels of an input that is plain, by what ffmpeg says of its inputs before it begins; null for another one. */
function channelsOf(log: string, input: number): "one" | "several" | null {
  const [inputs = ""] = log.split(/^(?:Stream mapping:|Output #)/m);
  const streams = [...inputs.matchAll(new RegExp(`^\\s*Stream #${input}:\\d+[^:]*: (.*)$`, "gm"))].map(
    ([, what]) => what!,
  );
  const layout = /^Audio: .*?, \d+ Hz, ([^,]+)/.exec(streams[0] ?? "")?.[1];
  if (streams.length !== 1 || layout === undefined) return null;
  return layout === "mono" || layout === "1 channels" ? "one" : "several";
}
