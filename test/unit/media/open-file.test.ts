import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resolveOptions } from "../../../src/config/index.js";
import { openMediaFile, type MediaRequest, type OpenedMedia } from "../../../src/media/index.js";
import { sample, type SampleName } from "../../fixtures/media-samples.js";
import { allTools, silentLogger } from "../../fixtures/tools.js";

const [[, tools]] = (await allTools()) as [Awaited<ReturnType<typeof allTools>>[number]];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "earshot-open-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function open(name: SampleName, request: Partial<MediaRequest> = {}, limits = {}): Promise<OpenedMedia> {
  const file = await sample(name);
  const options = resolveOptions({ dataDirectory: folder, limits });
  const whole = { path: file, bytes: (await stat(file)).size, sound: true, pictures: true, sampleRate: 16_000 };
  return openMediaFile(
    { tools, options, logger: silentLogger },
    { ...whole, ...request },
    new AbortController().signal,
  );
}

async function seconds({ streams }: OpenedMedia): Promise<number> {
  let samples = 0;
  for await (const chunk of streams.sound!) samples += chunk.length;
  return samples / 16_000;
}

describe("opening a media file", () => {
  it("gives the streams that are wanted and there", async () => {
    const kinds = async (name: SampleName, request: Partial<MediaRequest> = {}) =>
      Object.keys((await open(name, request)).streams);
    expect(await kinds("colours.mp4")).toEqual(["sound", "pictures"]);
    expect(await kinds("colours.mp4", { pictures: false })).toEqual(["sound"]);
    expect(await kinds("colours.mp4", { sound: false })).toEqual(["pictures"]);
    expect(await kinds("colours-only.mp4")).toEqual(["pictures"]);
    expect(await kinds("tone.wav")).toEqual(["sound"]);
  });

  it.each([
    ["empty.mp4", {}, {}, "MEDIA_EMPTY"],
    ["tone.wav", {}, { maxFileBytes: 100 }, "MEDIA_TOO_LARGE"],
    ["tone.wav", {}, { maxDurationSeconds: 5 }, "MEDIA_TOO_LONG"],
    ["text.mp4", {}, {}, "MEDIA_UNREADABLE"],
    ["no-audio.mp4", { pictures: false }, {}, "MEDIA_NO_AUDIO"],
    ["tone.wav", { sound: false }, {}, "MEDIA_NO_PICTURES"],
    ["tone.wav", { span: { startSeconds: 7, endSeconds: 9 } }, {}, "MEDIA_TRUNCATED"],
  ] as const)("refuses %s, %j under %j with %s", async (name, request, limits, code) => {
    await expect(open(name, request, limits)).rejects.toMatchObject({ code });
  });

  it("tells the length of the file, or of the span", async () => {
    const length = async (request: Partial<MediaRequest> = {}) => (await open("tone.wav", request)).durationSeconds;
    expect(await length()).toBeCloseTo(6, 2);
    expect(await length({ span: { startSeconds: 1, endSeconds: 3.5 } })).toBeCloseTo(2.5, 2);
    expect(await length({ span: { startSeconds: 4, endSeconds: 14 } })).toBeCloseTo(2, 2);
    expect(await length({ span: { startSeconds: 4, endSeconds: null } })).toBeCloseTo(2, 2);
    expect((await open("no-duration.webm")).durationSeconds).toBeNull();
  });

  it("takes a short span of a file that is longer than the limit", async () => {
    const media = await open("long.mp4", { span: { startSeconds: 50, endSeconds: 52 } }, { maxDurationSeconds: 5 });
    expect(await seconds(media)).toBe(2);
  });

  it("counts times from the start of the span", async () => {
    const startOf = async (span?: MediaRequest["span"]) =>
      (await open("colours-late.mp4", span === undefined ? {} : { span })).streams.pictures!.startSeconds;
    expect(await startOf()).toBeCloseTo(2.5, 1);
    expect(await startOf({ startSeconds: 1, endSeconds: null })).toBeCloseTo(1.5, 1);
    expect(await startOf({ startSeconds: 3, endSeconds: null })).toBe(0);
  });

  it("takes pictures that cannot be decoded as absent when there is sound, and says why", async () => {
    const media = await open("unknown-pictures.avi");
    const frames = media.streams.pictures!.open({ framesPerSecond: 5, frameWidth: 8, frameHeight: 8 });
    expect(await frames[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
    expect(media.whyNothing()).toMatchObject({ code: "MEDIA_CODEC_UNSUPPORTED" });
    expect((await open("tone.wav")).whyNothing()).toMatchObject({ code: "MEDIA_SILENT" });
  });

  it("ends its decoders when it is closed", async () => {
    const media = await open("long.mp4", { pictures: false });
    const pcm = media.streams.sound![Symbol.asyncIterator]();
    await pcm.next();
    media.close();
    await expect(pcm.next().then(() => pcm.next())).rejects.toThrow();
  });
});
