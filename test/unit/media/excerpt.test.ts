import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  chooseAudioStream,
  decodePcm,
  probe,
  takeExcerpt,
  type FfmpegTools,
  type MediaExcerpt,
} from "../../../src/media/index.js";
import { ffmpeg, sample, type SampleName } from "../../fixtures/media-samples.js";
import { allTools } from "../../fixtures/tools.js";

const tools = await allTools();

let folder: string;
let temporaryDirectory: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "earshot-excerpt-"));
  temporaryDirectory = path.join(folder, "tmp");
});
afterAll(() => rm(folder, { recursive: true }));

const probing = { probeTimeoutSeconds: 30 };
const whole = { startSeconds: null, endSeconds: null };

async function excerpt(
  with_: FfmpegTools,
  name: SampleName,
  span: { startSeconds: number | null; endSeconds: number | null } = whole,
): Promise<MediaExcerpt> {
  const options = { ...probing, temporaryDirectory, audioTrack: "default" as const, ...span };
  return takeExcerpt(with_, await sample(name), options);
}

/** Writes what was taken, to be looked at as a file. */
async function written(bytes: Buffer | null, suffix: string): Promise<string> {
  if (bytes === null) throw new Error("nothing was taken");
  const file = path.join(folder, `taken.${suffix}`);
  await writeFile(file, bytes);
  return file;
}

/** Size in pixels as a JPEG's frame header or a PNG's first chunk tells it. */
function sizeOf(picture: Buffer | null): [width: number, height: number] {
  if (picture === null) throw new Error("there is no picture");
  if (picture.toString("latin1", 1, 4) === "PNG") return [picture.readUInt32BE(16), picture.readUInt32BE(20)];
  let at = 2;
  while (picture[at + 1] !== 0xc0) at += 2 + picture.readUInt16BE(at + 2);
  return [picture.readUInt16BE(at + 7), picture.readUInt16BE(at + 5)];
}

/** Mean colour of a frame. */
async function colourOf(frame: Buffer | null): Promise<"red" | "blue" | "other"> {
  const pixel = path.join(folder, "pixel.raw");
  await ffmpeg([
    "-i",
    await written(frame, "jpg"),
    ...["-vf", "scale=1:1", "-f", "rawvideo", "-pix_fmt", "rgb24"],
    pixel,
  ]);
  const [r = 0, , b = 0] = await readFile(pixel);
  if (r > 180 && b < 80) return "red";
  return b > 180 && r < 80 ? "blue" : "other";
}

/** Seconds of a sound, and the pitch that it has most of, told by how often it crosses zero. */
async function heard(with_: FfmpegTools, sound: Buffer | null): Promise<{ seconds: number; hertz: number }> {
  const file = await written(sound, "mp4");
  const stream = chooseAudioStream(await probe(with_, file, probing), "first")!;
  const limits = { maxDurationSeconds: 60, decodeTimeoutSeconds: 30, stallTimeoutSeconds: 30, temporaryDirectory };
  let samples = 0;
  let crossings = 0;
  let before = 0;
  for await (const pcm of decodePcm(with_, file, { ...limits, stream, sampleRate: 16_000 })) {
    samples += pcm.length;
    for (const value of pcm) {
      if (before < 0 && value >= 0) crossings += 1;
      before = value;
    }
  }
  return { seconds: samples / 16_000, hertz: crossings / (samples / 16_000) };
}

describe.each(tools)("an excerpt, with %s", (_, ffmpegTools) => {
  it("is a frame from the middle, and the sound around it", async () => {
    const { frame, wave, sound } = await excerpt(ffmpegTools, "colours.mp4");
    expect(sizeOf(frame)).toEqual([64, 48]);
    expect(await colourOf(frame)).toBe("blue");
    expect(wave).toBeNull();
    const { seconds, hertz } = await heard(ffmpegTools, sound);
    expect(seconds).toBeCloseTo(6, 0);
    expect(hertz).toBeGreaterThan(240);
    expect(hertz).toBeLessThan(260);
  });

  it("comes from the part of the file that is the clip", async () => {
    const { frame, sound } = await excerpt(ffmpegTools, "colours.mp4", { startSeconds: 0.5, endSeconds: 2.5 });
    expect(await colourOf(frame)).toBe("red");
    expect((await heard(ffmpegTools, sound)).seconds).toBeCloseTo(2, 0);
  });

  it("has at most ten seconds of sound, and stays small", async () => {
    const { sound } = await excerpt(ffmpegTools, "long.mp4");
    expect((await heard(ffmpegTools, sound)).seconds).toBeCloseTo(10, 0);
    expect(sound!.length).toBeLessThan(90_000);
  });

  it("hears the track that the experts hear", async () => {
    // The second track, of 4 kHz, is flagged as default.
    const { sound } = await excerpt(ffmpegTools, "two-tracks.mkv");
    expect((await heard(ffmpegTools, sound)).hertz).toBeGreaterThan(3500);
  });

  it.each<SampleName>(["tone.ogg", "cover.mp3"])(
    "of a file without moving pictures draws the wave: %s",
    async (name) => {
      const { frame, wave, sound } = await excerpt(ffmpegTools, name);
      expect(frame).toBeNull();
      expect(sizeOf(wave)).toEqual([320, 180]);
      expect(sound).not.toBeNull();
    },
  );

  it("of a silent film is a frame alone", async () => {
    const { frame, wave, sound } = await excerpt(ffmpegTools, "colours-only.mp4");
    expect(await colourOf(frame)).toBe("blue");
    expect([wave, sound]).toEqual([null, null]);
  });

  it("takes an earlier frame where the pictures end before the middle", async () => {
    const { frame } = await excerpt(ffmpegTools, "colours-shorter.mp4");
    expect(await colourOf(frame)).toBe("red");
  });

  it.each<[SampleName, [number, number]]>([
    ["huge.avi", [320, 178]],
    ["wide-pixels.mkv", [96, 48]],
    ["odd-size.mkv", [32, 16]],
  ])("shows frames as they look, at most 320 pixels wide: %s", async (name, size) => {
    const [width, height] = sizeOf((await excerpt(ffmpegTools, name)).frame);
    expect(Math.abs(width - size[0])).toBeLessThanOrEqual(1);
    expect(Math.abs(height - size[1])).toBeLessThanOrEqual(1);
  });

  it.each<[SampleName, string]>([
    ["empty.mp4", "MEDIA_UNREADABLE"],
    ["image.mp4", "MEDIA_FORMAT_UNSUPPORTED"],
    ["truncated-no-index.mp4", "MEDIA_TRUNCATED"],
  ])("of what is no whole media file is refused: %s", async (name, code) => {
    await expect(excerpt(ffmpegTools, name)).rejects.toMatchObject({ code });
  });

  it("leaves nothing behind", async () => {
    await excerpt(ffmpegTools, "tone.mp4");
    expect(await readdir(temporaryDirectory)).toEqual([]);
  });

  it("ends when it is aborted", async () => {
    const options = { ...probing, temporaryDirectory, audioTrack: "default" as const, ...whole };
    const signal = AbortSignal.abort(new Error("no longer wanted"));
    await expect(takeExcerpt(ffmpegTools, await sample("tone.mp4"), { ...options, signal })).rejects.toThrow(
      "no longer wanted",
    );
  });
});
