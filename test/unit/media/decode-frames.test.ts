import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  chooseVideoStream,
  decodeFrames,
  probe,
  type FfmpegTools,
  type FrameOptions,
} from "../../../src/media/index.js";
import { writeDecoder } from "../../fixtures/decoder-script.js";
import { sample, type SampleName } from "../../fixtures/media-samples.js";
import { allTools } from "../../fixtures/tools.js";

const tools = await allTools();

const limits = { maxDurationSeconds: 3600, decodeTimeoutSeconds: 60, stallTimeoutSeconds: 30 };
const format = { framesPerSecond: 10, width: 16, height: 16 };

let temporaryDirectory: string;
beforeAll(async () => {
  temporaryDirectory = await mkdtemp(path.join(tmpdir(), "earshot-frames-"));
});
afterAll(async () => {
  await rm(temporaryDirectory, { recursive: true });
});

async function open(with_: FfmpegTools, file: string, options: Partial<FrameOptions> = {}, signal?: AbortSignal) {
  const stream = chooseVideoStream(await probe(with_, file, { probeTimeoutSeconds: 30 }));
  if (stream === null) throw new Error("no pictures");
  return decodeFrames(with_, file, { ...limits, ...format, temporaryDirectory, stream, ...options }, signal);
}

async function decodeAll(with_: FfmpegTools, file: string, options: Partial<FrameOptions> = {}): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for await (const frame of await open(with_, file, options)) frames.push(frame);
  return frames;
}

type Colour = "red" | "green" | "blue" | "other";

/** The colour of a pixel of a 16 x 16 frame. */
function colourAt(frame: Uint8Array, x = 8, y = 8): Colour {
  const [r, g, b] = frame.subarray((y * 16 + x) * 3) as unknown as [number, number, number];
  if (r > 200 && g < 60 && b < 60) return "red";
  if (g > 100 && r < 60 && b < 60) return "green";
  return b > 200 && r < 60 && g < 60 ? "blue" : "other";
}

/** How many frames of a colour follow each other: `["red", 3], ["blue", 2]`. */
function runs(frames: readonly Uint8Array[]): [Colour, number][] {
  const found: [Colour, number][] = [];
  for (const frame of frames) {
    const last = found.at(-1);
    if (last?.[0] === colourAt(frame)) last[1]++;
    else found.push([colourAt(frame), 1]);
  }
  return found;
}

describe.each(tools)("decoding pictures with %s", (_, ffmpeg) => {
  it("gives as many frames a second as asked for, each of them whole", async () => {
    const file = await sample("colours.mp4");
    for (const framesPerSecond of [4, 10, 25]) {
      const frames = await decodeAll(ffmpeg, file, { framesPerSecond });
      expect(frames.every(({ length }) => length === 16 * 16 * 3)).toBe(true);
      expect(runs(frames)).toEqual([
        ["red", 3 * framesPerSecond],
        ["blue", 3 * framesPerSecond],
      ]);
    }
  });

  it("gives frames that are larger than a pipe holds", async () => {
    const frames = await decodeAll(ffmpeg, await sample("colours.mp4"), { width: 640, height: 480 });
    expect(frames).toHaveLength(60);
    for (const frame of frames) expect(frame).toHaveLength(640 * 480 * 3);
    expect([frames[29]![0]! > 200, frames[30]![2]! > 200]).toEqual([true, true]);
  });

  it.each(["tone.webm", "tone.avi", "tone.ts", "tone.flv", "tone.mov", "no-duration.webm"] as const)(
    "opens the pictures of %s",
    async (name) => {
      const frames = await decodeAll(ffmpeg, await sample(name));
      expect(frames.length).toBeGreaterThan(58);
      expect(frames.length).toBeLessThan(63);
    },
  );

  it.each(["colours-late.mp4", "colours-late.mkv", "colours-late.ts"] as const)(
    "begins with the first picture of %s, of which the probe tells the time",
    async (name) => {
      const file = await sample(name);
      const media = await probe(ffmpeg, file, { probeTimeoutSeconds: 30 });
      expect(chooseVideoStream(media)?.startSeconds).toBeCloseTo(2.5, 1);
      const [red, blue, ...more] = runs(await decodeAll(ffmpeg, file));
      expect([red?.[0], blue?.[0], more]).toEqual(["red", "blue", []]);
      expect(Math.abs(red![1] - 15)).toBeLessThanOrEqual(1);
      expect(Math.abs(blue![1] - 15)).toBeLessThanOrEqual(1);
    },
  );

  it("keeps the time where the frame rate varies", async () => {
    const [red, blue] = runs(await decodeAll(ffmpeg, await sample("colours-vfr.mkv")));
    // The last red picture stands until the first blue one, which comes at 3.5 s.
    expect(red).toEqual(["red", 35]);
    expect(blue![1]).toBeGreaterThan(20);
  });

  it("keeps the time where the size of the pictures changes", async () => {
    const [red, blue, ...more] = runs(await decodeAll(ffmpeg, await sample("resized.ts")));
    expect([red?.[0], blue?.[0], more]).toEqual(["red", "blue", []]);
    expect(Math.abs(red![1] - 20)).toBeLessThanOrEqual(1);
    expect(Math.abs(blue![1] - 20)).toBeLessThanOrEqual(1);
  });

  it("gives a film of one picture", async () => {
    const frames = await decodeAll(ffmpeg, await sample("one-frame.mp4"));
    expect(runs(frames)).toEqual([["red", frames.length]]);
    expect(frames.length).toBeLessThan(5);
  });

  it("turns the pictures as the file says", async () => {
    const [frame] = await decodeAll(ffmpeg, await sample("portrait.mp4"), { width: 16, height: 16 });
    // Shown, the picture is 48 x 96, red above blue; the frame is its middle.
    expect([colourAt(frame!, 8, 2), colourAt(frame!, 8, 13)].sort()).toEqual(["blue", "red"]);
    expect(colourAt(frame!, 2, 2)).toBe(colourAt(frame!, 13, 2));
  });

  it("cuts the middle out of a picture whose pixels are not square", async () => {
    const [frame] = await decodeAll(ffmpeg, await sample("wide-pixels.mkv"));
    // Shown 96 x 48: the red part of it is 48 wide, and so the square that is cut out is all red.
    for (const x of [1, 8, 14]) expect(colourAt(frame!, x)).toBe("red");
  });

  it("scales pictures of odd sizes, smaller and larger than a frame", async () => {
    for (const [width, height] of [
      [16, 16],
      [7, 31],
      [100, 20],
    ] as const) {
      const frames = await decodeAll(ffmpeg, await sample("odd-size.mkv"), { width, height });
      expect(frames).toHaveLength(10);
      for (const frame of frames) expect(frame).toHaveLength(width * height * 3);
    }
  });

  it.each(["truncated.mp4", "truncated.webm"] as const)("gives what comes before the end of %s", async (name) => {
    const frames = await decodeAll(ffmpeg, await sample(name));
    expect(frames.length).toBeGreaterThan(5);
    expect(frames.length).toBeLessThanOrEqual(60);
  });

  it("refuses pictures beyond the limit", async () => {
    const frames = decodeAll(ffmpeg, await sample("colours.mp4"), { maxDurationSeconds: 5 });
    await expect(frames).rejects.toMatchObject({ code: "MEDIA_TOO_LONG" });
  });

  it("counts the time before late pictures towards the limit", async () => {
    // Three seconds of them, from 2.5 s on.
    const file = await sample("colours-late.mkv");
    expect((await decodeAll(ffmpeg, file, { maxDurationSeconds: 6 })).length).toBeGreaterThan(28);
    const frames = decodeAll(ffmpeg, file, { maxDurationSeconds: 5 });
    await expect(frames).rejects.toMatchObject({ code: "MEDIA_TOO_LONG" });
  });

  it("ends ffmpeg when the reader stops, and leaves no files behind", async () => {
    for await (const frame of await open(ffmpeg, await sample("long.mp4"))) {
      expect(frame.length).toBeGreaterThan(0);
      break;
    }
    expect((await readdir(temporaryDirectory)).filter((name) => name.startsWith("media-"))).toEqual([]);
  });

  it("ends with the reason of its signal", async () => {
    const abort = new AbortController();
    const reason = new Error("enough");
    const frames = await open(ffmpeg, await sample("long.mp4"), { width: 640, height: 480 }, abort.signal);
    await frames.next();
    abort.abort(reason);
    await expect(frames.next()).rejects.toBe(reason);
    expect((await readdir(temporaryDirectory)).filter((name) => name.startsWith("media-"))).toEqual([]);
  });

  it("ends at once when it is aborted while ffmpeg is being started", async () => {
    const program = await writeDecoder(path.join(temporaryDirectory, `stuck-${ffmpeg.origin}`), "exec sleep 600");
    const abort = new AbortController();
    const file = await sample("tone.mp4");
    const [stream] = (await probe(ffmpeg, file, { probeTimeoutSeconds: 30 })).videoStreams;
    const options = { ...limits, ...format, temporaryDirectory, stream: stream!, stallTimeoutSeconds: 600 };
    const next = decodeFrames({ ...ffmpeg, ffmpeg: program }, file, options, abort.signal).next();
    abort.abort(new Error("enough"));
    await expect(next).rejects.toThrow("enough");
  }, 20_000);

  it("gives up when ffmpeg takes too long", async () => {
    const frames = decodeAll(ffmpeg, await sample("long.mp4"), { stallTimeoutSeconds: 0.001 });
    await expect(frames).rejects.toMatchObject({ code: "MEDIA_DECODE_TIMEOUT", retryable: true });
  });

  it("refuses pictures so large that decoding them would fill the memory", async () => {
    await expect(decodeAll(ffmpeg, await sample("huge.avi"))).rejects.toMatchObject({
      code: "MEDIA_CODEC_UNSUPPORTED",
      message: expect.stringContaining("of a size") as string,
    });
  });

  it("says so when a stream has no pictures, or in no codec that is known", async () => {
    const file = await sample("tone.mp4");
    const [sound] = (await probe(ffmpeg, file, { probeTimeoutSeconds: 30 })).audioStreams;
    const stream = { ...sound!, width: 0, height: 0 };
    const options = { ...limits, ...format, temporaryDirectory };
    await expect(decodeFrames(ffmpeg, file, { ...options, stream }).next()).rejects.toMatchObject({
      code: "MEDIA_TRUNCATED",
      message: expect.stringContaining("No pictures") as string,
    });
    await expect(
      decodeFrames(ffmpeg, file, { ...options, stream: { ...stream, codec: null } }).next(),
    ).rejects.toMatchObject({ code: "MEDIA_CODEC_UNSUPPORTED" });
  });
});

describe.each(tools)("the video streams which %s finds", (_, ffmpeg) => {
  const streams = async (name: SampleName) =>
    (await probe(ffmpeg, await sample(name), { probeTimeoutSeconds: 30 })).videoStreams;

  it("are told with codec and size", async () => {
    expect(await streams("colours.mp4")).toMatchObject([{ codec: "h264", width: 64, height: 48, startSeconds: 0 }]);
  });

  it.each(["cover.mp3", "cover.m4a", "tone.wav"] as const)(
    "are none in %s, whose cover does not move",
    async (name) => {
      expect(await streams(name)).toEqual([]);
    },
  );
});
