import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goldenPrograms } from "../fixtures/golden-programs.js";
import {
  encodeClips,
  encodeWords,
  largestDifference,
  openPack,
  readSimilarities,
  similarities,
} from "../fixtures/imported-pack.js";

/**
 * The checkpoints that the paper's own program wrote for its developers' tests, imported by `earshot-training` and run
 * by this runtime. They are no part of the repository, and importing them takes Python with the training package.
 */

const TOLERANCE = 1e-4;
const CASES = [
  "ce-vggish-vggsound-small",
  "ce-r2p1d-inst-vggish-vggsound-small",
  "ce-vggish-only-small",
  "moee-vggish-vggsound-small",
];

const programs = await goldenPrograms();
const { missing } = programs;
const title = "packs made of the reference's own checkpoints";

describe.skipIf(missing !== undefined)(missing === undefined ? title : `${title} (SKIPPED: ${missing})`, () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "earshot-golden-"));
    if (programs.missing === undefined) await programs.run("import_golden.py", folder, ...CASES);
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(CASES)("%s gives the reference's similarities", async (name) => {
    const expected = readSimilarities(path.join(folder, name));
    const open = await openPack(path.join(folder, name));
    try {
      expect(expected.clips.some((clip) => Object.values(clip).includes(null))).toBe(expected.experts.length > 1);
      const found = similarities(await encodeWords(open, expected.texts), await encodeClips(open, expected.clips));
      expect(largestDifference(found, expected.similarities)).toBeLessThan(TOLERANCE);
    } finally {
      await open.inference.close();
    }
  });
});
