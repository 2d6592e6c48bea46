import { copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chooseAudioStream, decodePcm, probe, type DecodeOptions, type FfmpegTools } from "../../../src/media/index.js";
import { sample, type SampleName } from "../../fixtures/media-samples.js";
import { allTools } from "../../fixtures/tools.js";

const RATE = 16_000;
const tools = await allTools();

const limits = { sampleRate: RATE, maxDurationSeconds: 3600, decodeTimeoutSeconds: 60, stallTimeoutSeconds: 30 };

let temporaryDirectory: string;
beforeAll(async () => {
  temporaryDirectory = await mkdtemp(path.join(tmpdir(), "earshot-decode-"));
});
afterAll(async () => {
  await rm(temporaryDirectory, { recursive: true });
});

async function open(with_: FfmpegTools, file: string, options: Partial<DecodeOptions> = {}, signal?: AbortSignal) {
  const stream = chooseAudioStream(await probe(with_, file, { probeTimeoutSeconds: 30 }), "default");
  if (stream === null) throw new Error("no audio");
  return decodePcm(with_, file, { ...limits, temporaryDirectory, stream, ...options }, signal);
}

/** The whole sound of a file, 16 kHz mono. */
async function decodeAll(
  with_: FfmpegTools,
  file: string,
  options: Partial<DecodeOptions> = {},
): Promise<Float32Array> {
  const chunks: Float32Array[] = [];
  for await (const chunk of await open(with_, file, options)) chunks.push(chunk);
  return Float32Array.from(chunks.flatMap((chunk) => Array.from(chunk)));
}

/** Largest absolute sample between two times. */
function peak(pcm: Float32Array, fromSeconds = 0, toSeconds = Infinity): number {
  return pcm.subarray(fromSeconds * RATE, toSeconds * RATE).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

/** Frequency between two times, by zero crossings. */
function pitch(pcm: Float32Array, fromSeconds: number, toSeconds: number): number {
  const part = pcm.subarray(fromSeconds * RATE, toSeconds * RATE);
  const crossings = part.reduce((count, x, i) => count + (i > 0 && part[i - 1]! < 0 && x >= 0 ? 1 : 0), 0);
  return crossings / (toSeconds - fromSeconds);
}

describe.each(tools)("decoding with %s", (_, ffmpeg) => {
  const containers: SampleName[] = [
    ...["tone.mp4", "tone.webm", "tone.mkv", "tone.mov", "tone.avi", "tone.ts", "tone.flv"],
    ...["tone.ogg", "tone.mp3", "tone.flac", "tone.wav", "webm-named.mp4", "no-duration.webm"],
  ] as SampleName[];

  it.each(containers)("gives the whole sound of %s", async (name) => {
    const pcm = await decodeAll(ffmpeg, await sample(name));
    expect(pcm.length / RATE).toBeGreaterThan(5.9);
    expect(pcm.length / RATE).toBeLessThan(6.2);
    expect(pitch(pcm, 1, 5)).toBeCloseTo(250, 0);
  });

  it.each(["late.mkv", "late.mp4", "late.ts"] as const)("keeps the late start of the sound in %s", async (name) => {
    const pcm = await decodeAll(ffmpeg, await sample(name));
    expect(peak(pcm, 0, 2.4)).toBeLessThan(0.001);
    expect(peak(pcm, 2.6, 2.8)).toBeGreaterThan(0.05);
    expect(pcm.length / RATE).toBeGreaterThan(5.3);
  });

  it("fills a gap in the sound with silence", async () => {
    const pcm = await decodeAll(ffmpeg, await sample("gap.mkv"));
    expect(pcm.length / RATE).toBeCloseTo(6, 1);
    expect(peak(pcm, 2.2, 3.8)).toBeLessThan(0.001);
    expect(pitch(pcm, 4.3, 5.8)).toBeCloseTo(250, -1);
  });

  it("listens to the track that is flagged as default", async () => {
    const pcm = await decodeAll(ffmpeg, await sample("two-tracks.mkv"));
    expect(pitch(pcm, 1, 5)).toBeCloseTo(4000, -1);
  });

  it("mixes a stereo pair to its mean", async () => {
    const one = peak(await decodeAll(ffmpeg, await sample("one.wav")));
    expect(peak(await decodeAll(ffmpeg, await sample("both.wav"))) / one).toBeCloseTo(1, 2);
    expect(peak(await decodeAll(ffmpeg, await sample("loud-left.wav"))) / one).toBeCloseTo(0.5, 2);
  });

  it.each(["truncated.mp4", "truncated.webm"] as const)("gives what comes before the end of %s", async (name) => {
    const pcm = await decodeAll(ffmpeg, await sample(name));
    expect(pcm.length / RATE).toBeGreaterThan(0.5);
    expect(pcm.length / RATE).toBeLessThan(5.9);
  });

  it("refuses sound beyond the limit", async () => {
    await expect(decodeAll(ffmpeg, await sample("tone.wav"), { maxDurationSeconds: 5 })).rejects.toMatchObject({
      code: "MEDIA_TOO_LONG",
    });
  });

  it("opens files whatever their name", async () => {
    const folder = path.join(temporaryDirectory, "names");
    await mkdir(folder, { recursive: true });
    for (const name of ["-i.mp4", "été – eau & rivière (1).mp4", "http:x.mp4", "a%20b'c\"d.mp4", "concat:a|b.mp4"]) {
      await copyFile(await sample("tone.mp4"), path.join(folder, name));
      expect((await decodeAll(ffmpeg, path.join(folder, name))).length / RATE).toBeGreaterThan(5.9);
    }
  });

  it("ends ffmpeg when the reader stops, and leaves no files behind", async () => {
    for await (const chunk of await open(ffmpeg, await sample("long.mp4"))) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect((await readdir(temporaryDirectory)).filter((name) => name.startsWith("media-"))).toEqual([]);
  });

  it("ends with the reason of its signal", async () => {
    const abort = new AbortController();
    const reason = new Error("enough");
    const pcm = await open(ffmpeg, await sample("long.mp4"), {}, abort.signal);
    await pcm.next();
    abort.abort(reason);
    await expect(pcm.next().then(() => pcm.next())).rejects.toBe(reason);
    expect((await readdir(temporaryDirectory)).filter((name) => name.startsWith("media-"))).toEqual([]);
  });

  it("gives up when ffmpeg takes too long", async () => {
    await expect(decodeAll(ffmpeg, await sample("long.mp4"), { stallTimeoutSeconds: 0.001 })).rejects.toMatchObject({
      code: "MEDIA_DECODE_TIMEOUT",
      retryable: true,
    });
  });

  it("says so when a stream breaks off before its first sound", async () => {
    const file = await sample("truncated.mp4");
    const media = await probe(ffmpeg, await sample("tone.mp4"), { probeTimeoutSeconds: 30 });
    const stream = { ...media.audioStreams[0]!, index: 0, codec: "aac" };
    // Stream 0 is the picture: mapped as sound, it gives none.
    const pcm = decodePcm(ffmpeg, file, { ...limits, stream, temporaryDirectory });
    await expect(pcm.next()).rejects.toMatchObject({ code: "MEDIA_TRUNCATED" });
  });
});
