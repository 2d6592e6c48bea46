import { readFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EvaluationRecord, RetrievalDirection } from "../../../src/catalog/index.js";
import { openEvaluating, type EvaluatingEarshot } from "../../fixtures/evaluating.js";
import { goldenPrograms } from "../../fixtures/golden-programs.js";

/**
 * The toy archive of features and a checkpoint which the reference's own programs wrote for its developers' tests: what its
 * loader makes of the archive, the checkpoint's similarities of that, and the metrics, beside an evaluation of the archive
 * through the product. They are no part of the repository, and take Python with the training package.
 */

const PACK = "ce-r2p1d-inst-vggish-vggsound-small";

type Numbers = Record<string, number>;

interface Expected {
  ids: string[];
  /** [clips][captions] */
  exists: number[][];
  /** [clips * captions][clips] */
  similarity: number[][];
  ranks: Record<RetrievalDirection, number[]>;
  metrics: Record<RetrievalDirection, Numbers>;
}

const programs = await goldenPrograms();
const { missing } = programs;
const title = "the toy data set beside the reference's own loader and metrics";

describe.skipIf(missing !== undefined)(missing === undefined ? title : `${title} (SKIPPED: ${missing})`, () => {
  let folder: string;
  let test: EvaluatingEarshot;
  let expected: Record<string, Expected>;

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-golden-")));
    if (programs.missing === undefined) await programs.run("evaluate_golden.py", folder);
    expected = JSON.parse(readFileSync(path.join(folder, "expected.json"), "utf8")) as typeof expected;
    test = await openEvaluating({}, folder);
  }, 600_000);
  afterAll(async () => {
    await test.end();
    await rm(folder, { recursive: true, force: true });
  });

  const figuresOf = ({ result }: EvaluationRecord, direction: RetrievalDirection): Numbers => {
    const found = result!.retrieval.find((metrics) => metrics.direction === direction)!;
    return {
      R1: found.recallAt1.value,
      R5: found.recallAt5.value,
      R10: found.recallAt10.value,
      R50: found.recallAt50.value,
      MedR: found.medianRank.value,
      MeanR: found.meanRank.value,
      "geometric_mean_R1-R5-R10": found.geometricMean.value,
    };
  };

  it.each(["val", "test"])("of the split %s gives the same ranks, metrics and scores", async (split) => {
    const { ids, exists, similarity, ranks, metrics } = expected[split]!;
    const done = await test.evaluate({
      dataset: "AUDIOCAPS",
      split,
      source: { features: path.join(folder, "dataset") },
      modelPack: path.join(folder, PACK),
    });
    expect(done).toMatchObject({ state: "COMPLETED", errorMessage: null, datasetTitle: "audiocaps" });
    expect(done.result).toMatchObject({ clips: ids.length, pool: ids.length });
    // It is the reference's own protocol, and the pack's.
    expect(done.result!.notices.map(({ code }) => code)).not.toContain("TOKEN_LIMITS_DIFFER");
    for (const direction of ["T2A", "A2T"] as const) {
      const found = await test.ranks(done, direction);
      expect(found.map(({ rank }) => rank - 1)).toEqual(ranks[direction]);
      for (const [name, value] of Object.entries(figuresOf(done, direction))) {
        expect(Math.abs(value - metrics[direction][name]!), `${direction} ${name}`).toBeLessThan(1e-9);
      }
    }
    const own = exists.flatMap((captions, clip) =>
      captions.flatMap((there, caption) => (there ? [similarity[clip * captions.length + caption]![clip]!] : [])),
    );
    const scores = (await test.ranks(done, "T2A")).map(({ score }) => score);
    expect(scores).toHaveLength(own.length);
    expect(Math.max(...own.map((score, query) => Math.abs(score - scores[query]!)))).toBeLessThan(1e-4);
  });
});
