import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resolveOptions } from "../../../src/config/index.js";
import { decodeTogether, openMediaFile } from "../../../src/media/index.js";
import { sample, type SampleName } from "../../fixtures/media-samples.js";
import { allTools, silentLogger } from "../../fixtures/tools.js";

const RATE = 16_000;
const tools = await allTools();

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "earshot-together-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(tools)("decoding short files together with %s", (_, ffmpeg) => {
  const options = (limits = {}) => resolveOptions({ dataDirectory: folder, limits });

  async function together(names: readonly SampleName[], limits = {}, signal = new AbortController().signal) {
    const files = await Promise.all(names.map((name) => sample(name)));
    return decodeTogether({ tools: ffmpeg, options: options(limits) }, files, RATE, signal);
  }

  /** The sound of a file by itself. */
  async function alone(name: SampleName): Promise<Float32Array> {
    const file = await sample(name);
    const request = { path: file, bytes: (await stat(file)).size, sound: true, pictures: false, sampleRate: RATE };
    const parts = { tools: ffmpeg, options: options(), logger: silentLogger };
    const { streams } = await openMediaFile(parts, request, new AbortController().signal);
    const samples: number[] = [];
    for await (const chunk of streams.sound!) for (const value of chunk) samples.push(value);
    return Float32Array.from(samples);
  }

  it("gives the very samples that each gives by itself", async () => {
    const names = [
      "noise-16k.wav",
      "noise-44k.wav",
      "noise.mp3",
      "tone.flac",
      "tone.ogg",
      "both.wav",
      "loud-left.wav",
    ] as const;
    const found = await together(names);
    for (const [i, name] of names.entries()) expect(found[i]).toEqual(await alone(name));
  });

  it("leaves to others what has more than one stream", async () => {
    const found = await together(["tone.wav", "tone.mp4", "two-tracks.mkv", "cover.mp3", "tone.mp3"]);
    expect(found.map((sound) => sound?.length !== undefined)).toEqual([true, false, false, false, true]);
  });

  it("leaves all of them to others when one cannot be opened", async () => {
    expect(await together(["tone.wav", "text.mp4"])).toEqual([null, null]);
    expect(await together(["tone.wav", "playlist.mp4"])).toEqual([null, null]);
    expect(await together(["tone.wav", "no-audio.mp4"])).toEqual([null, null]);
  });

  it("leaves to others what is as long as the limit", async () => {
    const found = await together(["tone.wav", "one.wav"], { maxDurationSeconds: 4 });
    expect(found.map((sound) => sound?.length)).toEqual([undefined, 2 * RATE]);
  });

  it("leaves no files behind, and ends with its signal's reason", async () => {
    await expect(together(["tone.wav"], {}, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    await together(["tone.wav", "tone.mp4"]);
    expect(await readdir(path.join(folder, "tmp"))).toEqual([]);
  });
});
