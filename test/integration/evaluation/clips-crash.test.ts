import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeClips } from "../../../src/evaluation/clips/index.js";
import { nodeArguments } from "../../fixtures/programs.js";
import { datasetOf } from "../../fixtures/clip-datasets.js";
import { openClipParts } from "../../fixtures/clip-encoding.js";
import { writeWav } from "../../fixtures/media-files.js";
import { noise } from "../../fixtures/sounds.js";
import { TINY_PACK } from "../../fixtures/tiny-pack.js";
import { bundledTools } from "../../fixtures/tools.js";

const CLIPS = 110;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "earshot-clips-crash-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("a process that is killed while it encodes clips", () => {
  it("has lost none that were done, and the next one ends with the same bytes", { timeout: 120_000 }, async () => {
    const files = await Promise.all(
      Array.from({ length: CLIPS }, (_, i) => writeWav(path.join(folder, `${i}.wav`), noise(10_000 + 200 * i, i))),
    );
    const [killed, calm] = [path.join(folder, "killed"), path.join(folder, "calm")];
    let done = 0;
    for (let kill = 1; kill <= 2; kill++) {
      const child = spawn(
        process.execPath,
        [...nodeArguments("encode-clips-process.ts"), TINY_PACK, killed, folder, ...files],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      const gone = new Promise<NodeJS.Signals | null>((resolve) => child.once("exit", (_, signal) => resolve(signal)));
      const seen: number[] = [];
      for await (const line of createInterface({ input: child.stdout })) {
        seen.push(Number(line));
        if (seen.length === 2) child.kill("SIGKILL");
      }
      expect(await gone).toBe("SIGKILL");
      expect(seen[0]).toBeGreaterThanOrEqual(done);
      done = seen.at(-1)!;
    }

    const parts = await openClipParts(TINY_PACK, folder);
    const tools = await bundledTools();
    const media = files.map((file) => ({ file, startSeconds: null, endSeconds: null }));
    const encode = async (into: string) => {
      const progress: number[] = [];
      await encodeClips(
        parts,
        {
          dataset: datasetOf(files.map((_, place) => `clip-${place}`)),
          source: { kind: "media", media, fingerprint: "", tools },
          scoring: "BEST_SEGMENT",
          experts: null,
          folder: into,
        },
        (done) => progress.push(done),
        new AbortController().signal,
      );
      const [rows, lines] = await Promise.all(
        ["rows.f32", "clips.jsonl"].map((name) => readFile(path.join(into, name))),
      );
      return { progress, bytes: [rows!.toString("hex"), lines!.toString("hex")] };
    };
    const resumed = await encode(killed);
    expect(resumed.progress[0]).toBeGreaterThanOrEqual(done);
    expect(resumed.progress[0]).toBeLessThan(CLIPS);
    expect(resumed.progress.at(-1)).toBe(CLIPS);
    expect(resumed.bytes).toEqual((await encode(calm)).bytes);
    await parts.inference.close();
  });
});
