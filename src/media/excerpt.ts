/** Takes what a page can show of a clip: a picture and a few seconds of sound, small enough to be sent along. */
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import type { FfmpegTools } from "./ffmpeg.js";
import { inputArguments } from "./input.js";
import { chooseAudioStream, chooseVideoStream, probe, type ProbeOptions } from "./probe.js";
import { makeTemporaryFolder } from "./temporary.js";
import { runBinaryTool } from "./tool.js";

/** Longest sound of an excerpt. */
const SOUND_SECONDS = 10;

/** Width of pictures, in pixels; frames that are smaller stay so. */
const PICTURE_WIDTH = 320;

/** Longest time that one picture or sound may take. */
const TIMEOUT_SECONDS = 30;

/** No picture or sound of an excerpt comes near this size. */
const MAX_BYTES = 1024 ** 2;

/** Bits a second of the sound: 60 KB for the longest. */
const SOUND_BITRATE = "48k";

/** Colour of drawn waves: it can be seen on a light and on a dark ground. */
const WAVE_COLOUR = "0x14907f";

/** What was taken from around the middle of a clip; null what the file does not have. */
export interface MediaExcerpt {
  /** JPEG; at most 320 pixels wide. */
  frame: Buffer | null;
  /** PNG of 320 x 180 pixels: the sound's wave on a transparent ground, where there is no frame. */
  wave: Buffer | null;
  /** AAC in MP4, mono; at most 10 s. */
  sound: Buffer | null;
}

/** What to take an excerpt of, and with what. */
export interface ExcerptOptions extends ProbeOptions {
  temporaryDirectory: string;
  audioTrack: "default" | "first";
  /** The part of the file that is the clip; null: from its start, to its end. */
  startSeconds: number | null;
  endSeconds: number | null;
}

/**
 * Takes an excerpt of a file. A picture or sound that cannot be decoded is left out.
 *
 * @throws MediaUnreadableError, MediaTruncatedError, MediaFormatUnsupportedError, MediaProbeTimeoutError,
 *   FfmpegUnavailableError, and the signal's reason when aborted
 */
export async function takeExcerpt(tools: FfmpegTools, file: string, options: ExcerptOptions): Promise<MediaExcerpt> {
  const found = await probe(tools, file, options);
  const start = options.startSeconds ?? 0;
  const length = Math.max(0, (options.endSeconds ?? found.durationSeconds ?? start + SOUND_SECONDS) - start);
  const middle = start + length / 2;
  const input: Input = { tools, file, limits: options };

  const pictures = chooseVideoStream(found);
  let frame: Buffer | null = null;
  if (pictures !== null) {
    // A clip can be longer than its pictures.
    frame = (await takeFrame(input, pictures.index, middle)) ?? (await takeFrame(input, pictures.index, start));
  }
  const track = chooseAudioStream(found, options.audioTrack);
  if (track === null) return { frame, wave: null, sound: null };
  const soundLength = Math.min(SOUND_SECONDS, length);
  const span = { from: middle - soundLength / 2, seconds: soundLength };
  const wave = frame === null ? await takeWave(input, track.index, span) : null;
  return { frame, wave, sound: await takeSound(input, track.index, span) };
}

interface Input {
  tools: FfmpegTools;
  file: string;
  limits: ExcerptOptions;
}

interface SoundSpan {
  from: number;
  seconds: number;
}

function takeFrame(input: Input, stream: number, at: number): Promise<Buffer | null> {
  // Pixels that are not square are made so before the width is measured.
  const scale = `scale=trunc(iw*sar/2)*2:ih,setsar=1,scale='min(${PICTURE_WIDTH},iw)':-2`;
  return takePicture(input, at, [
    ...["-map", `0:${stream}`, "-an", "-vf", `${scale},format=yuvj420p`],
    ...["-frames:v", "1", "-c:v", "mjpeg", "-q:v", "5"],
  ]);
}

function takeWave(input: Input, stream: number, { from, seconds }: SoundSpan): Promise<Buffer | null> {
  const size = `${PICTURE_WIDTH}x${(PICTURE_WIDTH * 9) / 16}`;
  const draw = `aformat=channel_layouts=mono,showwavespic=s=${size}:colors=${WAVE_COLOUR}:scale=sqrt`;
  const graph = `[0:${stream}]atrim=duration=${seconds},${draw}[wave]`;
  return takePicture(input, from, [
    ...["-filter_complex", graph, "-map", "[wave]"],
    ...["-frames:v", "1", "-c:v", "png"],
  ]);
}

async function takePicture(
  { tools, file, limits }: Input,
  at: number,
  output: readonly string[],
): Promise<Buffer | null> {
  const args = [...inputFrom(file, at), ...output, "-map_metadata", "-1", "-f", "image2pipe", "pipe:1"];
  const { code, stdout, overLimit } = await runBinaryTool(tools.ffmpeg, args, toolLimits(limits));
  return code === 0 && !overLimit && stdout.length > 0 ? stdout : null;
}

async function takeSound(
  { tools, file, limits }: Input,
  stream: number,
  { from, seconds }: SoundSpan,
): Promise<Buffer | null> {
  // Players want the table of samples at the start of an MP4, and that is written last: not to a pipe.
  const folder = await makeTemporaryFolder(limits.temporaryDirectory);
  try {
    const target = path.join(folder, "sound.mp4");
    const args = [
      ...inputFrom(file, from),
      ...["-t", String(seconds), "-map", `0:${stream}`, "-map_metadata", "-1", "-map_chapters", "-1"],
      ...["-ac", "1", "-ar", "44100", "-c:a", "aac", "-b:a", SOUND_BITRATE, "-movflags", "+faststart", "-f", "mp4"],
      `file:${target}`,
    ];
    const { code, overLimit } = await runBinaryTool(tools.ffmpeg, args, toolLimits(limits));
    if (code !== 0 || overLimit) return null;
    const sound = await readFile(target);
    return sound.length > MAX_BYTES ? null : sound;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function inputFrom(file: string, seconds: number): string[] {
  return ["-nostdin", "-hide_banner", "-v", "error", "-ss", seconds.toFixed(3), ...inputArguments(file)];
}

function toolLimits({ temporaryDirectory, signal }: ExcerptOptions): Parameters<typeof runBinaryTool>[2] {
  return {
    timeoutSeconds: TIMEOUT_SECONDS,
    maxOutputBytes: MAX_BYTES,
    temporaryDirectory,
    ...(signal === undefined ? {} : { signal }),
  };
}
