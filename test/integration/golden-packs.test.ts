import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

const run = promisify(execFile);
const TOLERANCE = 1e-4;
const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const GOLDEN = path.join(REPOSITORY, "../shared/data/golden/retrieval");
const CASES = [
  "ce-vggish-vggsound-small",
  "ce-r2p1d-inst-vggish-vggsound-small",
  "ce-vggish-only-small",
  "moee-vggish-vggsound-small",
];

const missing = await whatIsMissing();
const title = "packs made of the reference's own checkpoints";

describe.skipIf(missing !== undefined)(missing === undefined ? title : `${title} (SKIPPED: ${missing})`, () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "earshot-golden-"));
    await run((await findPython())!, ["training/tests/import_golden.py", folder, ...CASES], {
      cwd: REPOSITORY,
      env: { ...process.env, OMP_NUM_THREADS: "1" },
    });
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

async function whatIsMissing(): Promise<string | undefined> {
  if (!existsSync(GOLDEN)) return `${GOLDEN} is not there`;
  if ((await findPython()) === undefined) return "no Python has the package earshot_training";
  return undefined;
}

/** The interpreter of the training environment, else any that has the package. */
async function findPython(): Promise<string | undefined> {
  for (const python of [path.join(REPOSITORY, "training/.venv/bin/python"), "python3"]) {
    try {
      await run(python, ["-c", "import earshot_training.checkpoint_import, onnxruntime"], { cwd: REPOSITORY });
      return python;
    } catch {
      // try the next one
    }
  }
  return undefined;
}
