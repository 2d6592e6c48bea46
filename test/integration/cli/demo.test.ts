import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readDemoManifest, type DemoManifest } from "../../../src/cli/demo-manifest.js";
import { demoCommand } from "../../../src/cli/demo.js";
import { addScoredVideo, openTestEarshot, type TestEarshot } from "../../fixtures/earshot.js";
import { writeWav } from "../../fixtures/media-files.js";
import { inTurn, noise, SAMPLE_RATE, tone } from "../../fixtures/sounds.js";

const manifest: DemoManifest = {
  videos: [
    { file: "kettle.wav", title: "Kettle", events: [{ label: "whistle", startSeconds: 4, endSeconds: 6 }] },
    { file: "engine.wav", title: "Engine", events: [{ label: "rumble", startSeconds: 2, endSeconds: 8 }] },
  ],
  queries: [
    { text: "whistle", video: "kettle.wav", startSeconds: 4, endSeconds: 6 },
    { text: "rumble", video: "engine.wav", startSeconds: 2, endSeconds: 8 },
  ],
};

describe("earshot demo", () => {
  let test: TestEarshot;
  let directory: string;
  const run = async (expected: DemoManifest): Promise<{ code: number; lines: string[] }> => {
    const lines: string[] = [];
    const print = (line = ""): void => void lines.push(line);
    const out = { print, complain: print, interactive: false, progress: process.stderr, columns: 100 };
    return { code: await demoCommand(test.earshot, directory, expected, out), lines };
  };

  beforeAll(async () => {
    directory = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-demo-")));
    test = await openTestEarshot({ mediaRoots: [directory] });
    const quiet = (seconds: number, seed: number): Float32Array => noise(seconds * SAMPLE_RATE, seed, 0.01);
    await writeWav(path.join(directory, "kettle.wav"), inTurn(quiet(4, 1), tone(4000, 2 * SAMPLE_RATE), quiet(4, 2)));
    await writeWav(path.join(directory, "engine.wav"), inTurn(quiet(2, 3), tone(250, 6 * SAMPLE_RATE), quiet(4, 4)));
    await addScoredVideo(test, { externalId: "left over from an older demo", word: "whistle", scores: [1] });
  });
  afterAll(async () => {
    await test.end();
    await rm(directory, { recursive: true });
  });

  it("shows the answer to every query, and ends well when all are as expected", async () => {
    const { code, lines } = await run(manifest);
    const answers = lines.filter((line) => line.startsWith("✓") || line.startsWith("✗"));
    expect(answers).toEqual([
      expect.stringMatching(/^✓ +whistle +Kettle +0:0\d\.\d-0:0\d\.\d +0\.\d{3} +\d+ % +kettle\.wav 0:04\.0-0:06\.0$/),
      expect.stringMatching(/^✓ +rumble +Engine /),
    ]);
    expect(lines.at(-1)).toBe("2 of 2 expected answers came first");
    expect(code).toBe(0);
  });

  it.each([
    ["another video comes first", { video: "engine.wav" }],
    ["the moment is another one", { startSeconds: 8.5, endSeconds: 10 }],
  ])("ends badly when %s than expected", async (_, change) => {
    const [first, second] = manifest.queries;
    const { code, lines } = await run({ ...manifest, queries: [{ ...first!, ...change }, second!] });
    expect(lines.at(-1)).toBe("1 of 2 expected answers came first");
    expect(code).toBe(1);
  });

  it("ends badly when a video cannot be ingested", async () => {
    const missing = { file: "missing.mp4", title: "Missing", events: [] };
    const { code, lines } = await run({ ...manifest, videos: [...manifest.videos, missing] });
    expect(lines.join("\n")).toContain("SOURCE_NOT_FOUND");
    expect(code).toBe(1);
  });

  it("names what is wrong with its manifest", async () => {
    await expect(readDemoManifest(directory)).rejects.toMatchObject({ code: "DEMO_UNREADABLE" });
    await writeFile(path.join(directory, "manifest.json"), JSON.stringify({ ...manifest, queries: [{ text: "" }] }));
    await expect(readDemoManifest(directory)).rejects.toThrow(/queries/);
    await writeFile(path.join(directory, "manifest.json"), JSON.stringify(manifest));
    expect(await readDemoManifest(directory)).toEqual(manifest);
  });
});
