import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findFfmpeg } from "../../../src/media/index.js";
import { BUNDLED_FFMPEG, BUNDLED_FFPROBE, silentLogger } from "../../fixtures/tools.js";

let folder: string;
let searchPath: string | undefined;

/** A program of that name that prints a version as ffmpeg does. */
async function program(name: string, version: string, where = folder): Promise<string> {
  const file = path.join(where, name);
  await writeFile(file, `#!/bin/sh\necho "${name} version ${version} Copyright (c) the FFmpeg developers"\n`);
  await chmod(file, 0o755);
  return file;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "earshot-ffmpeg-"));
  searchPath = process.env["PATH"];
});
afterAll(async () => {
  process.env["PATH"] = searchPath;
  await rm(folder, { recursive: true });
});

describe("finding ffmpeg", () => {
  it("takes the configured program, and the ffprobe beside it", async () => {
    const ffmpegPath = await program("ffmpeg", "4.4.2");
    const ffprobe = await program("ffprobe", "4.4.2");
    const tools = await findFfmpeg({ ffmpegPath, allowBundledFfmpeg: false }, silentLogger);
    expect(tools).toEqual({ ffmpeg: ffmpegPath, ffprobe, version: "4.4.2", origin: "configured" });
  });

  it("refuses a configured program that does not run, rather than taking another", async () => {
    const ffmpegPath = path.join(folder, "nothing-here");
    await expect(findFfmpeg({ ffmpegPath, allowBundledFfmpeg: true }, silentLogger)).rejects.toMatchObject({
      code: "FFMPEG_NOT_FOUND",
      field: "ffmpegPath",
    });
  });

  it.each([
    ["7.1.1", "system"],
    ["5.1.9-0+deb12u1", "system"],
    ["n6.0-12-gabc", "system"],
    ["N-119000-g0123456789", "system"],
    ["4.4.2-0ubuntu0.22.04.1", "bundled"],
    ["2.8.17", "bundled"],
  ])("takes version %s from the system or not: %s", async (version, origin) => {
    await program("ffmpeg", version);
    await program("ffprobe", version);
    process.env["PATH"] = `${folder}${path.delimiter}/bin`;
    expect(await findFfmpeg({ allowBundledFfmpeg: true }, silentLogger)).toMatchObject({ origin });
  });

  it("warns of the age of the bundled program, and can be told to refuse it", async () => {
    process.env["PATH"] = path.join(folder, "empty");
    const lines: string[] = [];
    const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
    const tools = await findFfmpeg({ allowBundledFfmpeg: true }, logger);
    expect(tools).toMatchObject({ ffmpeg: BUNDLED_FFMPEG, ffprobe: BUNDLED_FFPROBE, origin: "bundled" });
    expect(lines.join()).toContain("December 2018");
    await expect(findFfmpeg({ allowBundledFfmpeg: false }, logger)).rejects.toMatchObject({ code: "FFMPEG_NOT_FOUND" });
  });
});
