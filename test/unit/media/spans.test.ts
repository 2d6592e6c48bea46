import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  chooseAudioStream,
  chooseVideoStream,
  decodeFrames,
  decodePcm,
  probe,
  type FfmpegTools,
  type MediaSpan,
} from "../../../src/media/index.js";
import { writeDecoder } from "../../fixtures/decoder-script.js";
import { sample } from "../../fixtures/media-samples.js";
import { allTools } from "../../fixtures/tools.js";

const RATE = 16_000;
const tools = await allTools();
const limits = { maxDurationSeconds: 3600, decodeTimeoutSeconds: 60, stallTimeoutSeconds: 30 };

let temporaryDirectory: string;
beforeAll(async () => {
  temporaryDirectory = await mkdtemp(path.join(tmpdir(), "earshot-spans-"));
});
afterAll(() => rm(temporaryDirectory, { recursive: true }));

async function sound(with_: FfmpegTools, file: string, span?: MediaSpan): Promise<Float32Array> {
  const stream = chooseAudioStream(await probe(with_, file, { probeTimeoutSeconds: 30 }), "default")!;
  const options = { ...limits, temporaryDirectory, stream, sampleRate: RATE, ...(span === undefined ? {} : { span }) };
  const samples: number[] = [];
  for await (const chunk of decodePcm(with_, file, options)) for (const value of chunk) samples.push(value);
  return Float32Array.from(samples);
}

/** The colours of a file's frames, ten a second: "r" or "b". */
async function colours(with_: FfmpegTools, file: string, span?: MediaSpan): Promise<string> {
  const stream = chooseVideoStream(await probe(with_, file, { probeTimeoutSeconds: 30 }))!;
  const format = { framesPerSecond: 10, width: 16, height: 16 };
  const options = { ...limits, ...format, temporaryDirectory, stream, ...(span === undefined ? {} : { span }) };
  let found = "";
  for await (const frame of decodeFrames(with_, file, options)) found += frame[0]! > frame[2]! ? "r" : "b";
  return found;
}

/** How two sounds differ, relative to their loudness, when one is shifted against the other by so many samples. */
function difference(a: Float32Array, b: Float32Array, shift = 0): number {
  let error = 0;
  let power = 0;
  for (let i = Math.max(0, -shift); i < Math.min(a.length, b.length - shift); i++) {
    error += (a[i]! - b[i + shift]!) ** 2;
    power += a[i]! ** 2;
  }
  return Math.sqrt(error / power);
}

/** The least difference of two sounds that are shifted against each other by no more than `most` samples. */
function leastDifference(a: Float32Array, b: Float32Array, most: number): number {
  return Math.min(...Array.from({ length: 2 * most + 1 }, (_, i) => difference(a, b, i - most)));
}

const part = (whole: Float32Array, { startSeconds, endSeconds }: MediaSpan) =>
  whole.slice(Math.round(startSeconds * RATE), endSeconds === null ? undefined : Math.round(endSeconds * RATE));

describe.each(tools)("the sound of a span, with %s", (_, ffmpeg) => {
  const spans: MediaSpan[] = [
    { startSeconds: 3.31, endSeconds: 4.27 },
    { startSeconds: 0.6, endSeconds: 2 },
    { startSeconds: 4.1, endSeconds: null },
  ];

  it.each(["noise-16k.wav", "noise-44k.wav", "noise.mp3", "noise.mp4"] as const)(
    "is that of the whole file, sample by sample, in %s",
    async (name) => {
      const file = await sample(name);
      const whole = await sound(ffmpeg, file);
      for (const span of spans) {
        const found = await sound(ffmpeg, file, span);
        expect(found).toHaveLength(part(whole, span).length);
        expect(difference(part(whole, span), found)).toBeLessThan(1e-4);
      }
    },
  );

  // Their containers have times in milliseconds, and do not tell what the decoder leaves out at the start.
  it.each([
    ["noise.mkv", 0.01],
    ["noise.webm", 0.01],
    ["noise.ts", 0.001],
  ] as const)("is that of the whole file up to a shift by less than a packet in %s", async (name, seconds) => {
    const file = await sample(name);
    const whole = await sound(ffmpeg, file);
    for (const span of spans) {
      const found = await sound(ffmpeg, file, span);
      expect(Math.abs(found.length - part(whole, span).length)).toBeLessThanOrEqual(seconds * RATE);
      expect(leastDifference(part(whole, span), found, seconds * RATE)).toBeLessThan(0.1);
    }
  });

  it.each(["noise-late.mp4", "noise-late.mkv", "noise-late.webm"] as const)(
    "begins late where it does in %s",
    async (name) => {
      const file = await sample(name);
      const whole = await sound(ffmpeg, file);
      for (const span of [
        { startSeconds: 0.5, endSeconds: 3.5 },
        { startSeconds: 2.4, endSeconds: 3.5 },
        { startSeconds: 3.2, endSeconds: 4.2 },
        { startSeconds: 4.3, endSeconds: 5.2 },
      ]) {
        const found = await sound(ffmpeg, file, span);
        expect(found).toHaveLength(part(whole, span).length);
        expect(leastDifference(part(whole, span), found, 0.01 * RATE)).toBeLessThan(0.1);
        const firstHeard = found.findIndex((value) => Math.abs(value) > 0.02) / RATE;
        expect(firstHeard).toBeCloseTo(Math.max(0, 2.5 - span.startSeconds), 1);
      }
    },
  );

  it("ends with the file where the span reaches beyond", async () => {
    const file = await sample("noise-16k.wav");
    expect(await sound(ffmpeg, file, { startSeconds: 5.5, endSeconds: 15.5 })).toHaveLength(0.5 * RATE);
  });

  it("is refused where it lies behind the end", async () => {
    await expect(
      sound(ffmpeg, await sample("noise-16k.wav"), { startSeconds: 6.5, endSeconds: 9 }),
    ).rejects.toMatchObject({ code: "MEDIA_TRUNCATED", message: expect.stringContaining("before the part") as string });
  });

  it("counts towards the longest media, and the rest of the file does not", async () => {
    const file = await sample("long.mp4");
    const stream = chooseAudioStream(await probe(ffmpeg, file, { probeTimeoutSeconds: 30 }), "default")!;
    const decode = async (span: MediaSpan) => {
      const options = { ...limits, maxDurationSeconds: 10, temporaryDirectory, stream, sampleRate: RATE, span };
      let samples = 0;
      for await (const chunk of decodePcm(ffmpeg, file, options)) samples += chunk.length;
      return samples;
    };
    expect(await decode({ startSeconds: 60.5, endSeconds: 70.5 })).toBe(10 * RATE);
    await expect(decode({ startSeconds: 60.5, endSeconds: null })).rejects.toMatchObject({ code: "MEDIA_TOO_LONG" });
  });
});

describe.each(tools)("the pictures of a span, with %s", (_, ffmpeg) => {
  it.each(["colours.mp4", "colours-only.mp4"] as const)("are those of the whole file in %s", async (name) => {
    const file = await sample(name);
    // Red for three seconds, then blue.
    expect(await colours(ffmpeg, file, { startSeconds: 2.5, endSeconds: 3.5 })).toMatch(/^r{4,6}b{4,6}$/);
    expect(await colours(ffmpeg, file, { startSeconds: 4.25, endSeconds: 5.25 })).toBe("b".repeat(10));
    expect(await colours(ffmpeg, file, { startSeconds: 0.5, endSeconds: 1.5 })).toBe("r".repeat(10));
  });

  it("keep their time in a container whose clock does not begin at 0", async () => {
    const file = await sample("colours-late.ts");
    // From 2.5 s on, 1.5 s each.
    expect(await colours(ffmpeg, file, { startSeconds: 3.5, endSeconds: 4.5 })).toMatch(/^r{4,6}b{4,6}$/);
  });

  it("begin with the one that is shown there, however long ago it came", async () => {
    const file = await sample("slides.mp4");
    expect(await colours(ffmpeg, file, { startSeconds: 7, endSeconds: 9 })).toMatch(/^b{9,11}r{9,11}$/);
  });

  it("begin late where they do", async () => {
    const file = await sample("colours-late.mp4");
    const whole = await colours(ffmpeg, file);
    expect(await colours(ffmpeg, file, { startSeconds: 1.5, endSeconds: null })).toBe(whole);
    expect((await colours(ffmpeg, file, { startSeconds: 2.2, endSeconds: 3 })).length).toBe(5);
  });
});

describe("the decoder of a span", () => {
  it("begins to read shortly before it, and is ended behind it", async () => {
    const [[, ffmpeg]] = tools as [[string, FfmpegTools]];
    const program = await writeDecoder(path.join(temporaryDirectory, "noting"));
    const file = await sample("long.mp4");
    const noting = { ...ffmpeg, ffmpeg: program };
    expect(await sound(noting, file, { startSeconds: 90.2, endSeconds: 92.2 })).toHaveLength(2 * RATE);
    expect(await readFile(`${program}.log`, "utf8")).toContain("-ss 89 ");
  });
});
