import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { RetrievalDirection, RetrievalMetrics } from "../../../src/catalog/index.js";
import { audioToTextRanks, textToAudioRanks, type SimilarityTable } from "../../../src/evaluation/metrics/ranks.js";
import { retrievalMetrics } from "../../../src/evaluation/metrics/retrieval-metrics.js";
import { allCases, committedCases, type GoldenFigures, type GoldenMetrics } from "../../fixtures/golden-metrics.js";

const GOLDEN = fileURLToPath(new URL("../../../../shared/data/golden/metrics", import.meta.url));
const TOLERANCE = 1e-9;

describe("the metrics of the reference's cases in the repository", () => {
  it.each(committedCases())("$id ($kind): both directions are the reference's", expectReference);

  it("hold every kind that is counted in its own way", () => {
    const kinds = new Set(committedCases().map(({ kind }) => kind));
    for (const kind of ["plain", "ties_rounded", "constant", "multi_missing", "multi_missing_ties", "per_class"]) {
      expect(kinds).toContain(kind);
    }
  });
});

const missing = existsSync(GOLDEN) ? undefined : `${GOLDEN} is not there`;
const title = "the metrics of all the reference's cases";

describe.skipIf(missing !== undefined)(missing === undefined ? title : `${title} (SKIPPED: ${missing})`, () => {
  it("are the reference's in both directions, of every case", () => {
    const cases = allCases(GOLDEN);
    expect(cases.length).toBeGreaterThan(committedCases().length);
    for (const golden of cases) expectReference(golden);
  });
});

function expectReference(golden: GoldenMetrics): void {
  expectFigures(metricsOf(golden, "T2A"), golden.t2v, `${golden.id} t2a`);
  expectFigures(metricsOf(golden, "A2T"), golden.v2t, `${golden.id} a2t`);
}

/** Metrics of a case with rows for captions that do not exist, and then once more without those rows. */
function metricsOf(golden: GoldenMetrics, direction: RetrievalDirection): RetrievalMetrics {
  const [masked, without] = [tableOf(golden), withoutGaps(tableOf(golden))];
  const ranksOf = direction === "T2A" ? textToAudioRanks : audioToTextRanks;
  const ranks = ranksOf(masked);
  expect(ranksOf(without)).toEqual(ranks);
  const classMask = direction === "T2A" ? golden.class_mask_t2v : golden.class_mask_v2t;
  return retrievalMetrics(ranks, {
    direction,
    pool: golden.num_clips,
    clipOfQuery: direction === "T2A" ? without.clipOfCaption : Array.from(ranks, (_, clip) => clip),
    ...(classMask === undefined ? {} : { counts: Uint8Array.from(classMask) }),
    seed: 0,
    samples: 20,
  });
}

function tableOf({ sims, query_masks, num_clips, captions_per_clip }: GoldenMetrics): SimilarityTable {
  return {
    scores: Float32Array.from(sims),
    clips: num_clips,
    clipOfCaption: Uint32Array.from(query_masks, (_, row) => Math.floor(row / captions_per_clip)),
    exists: Uint8Array.from(query_masks),
  };
}

function withoutGaps({ scores, clips, clipOfCaption, exists }: SimilarityTable): SimilarityTable {
  const rows = [...clipOfCaption.keys()].filter((row) => exists![row] === 1);
  return {
    scores: Float32Array.from(rows.flatMap((row) => [...scores.subarray(row * clips, (row + 1) * clips)])),
    clips,
    clipOfCaption: Uint32Array.from(rows, (row) => clipOfCaption[row]!),
  };
}

function expectFigures(found: RetrievalMetrics, expected: GoldenFigures, of: string): void {
  const values: Record<keyof GoldenFigures, number> = {
    R1: found.recallAt1.value,
    R5: found.recallAt5.value,
    R10: found.recallAt10.value,
    R50: found.recallAt50.value,
    MedR: found.medianRank.value,
    MeanR: found.meanRank.value,
    "geometric_mean_R1-R5-R10": found.geometricMean.value,
  };
  for (const [name, value] of Object.entries(expected)) {
    expect(Math.abs(values[name as keyof GoldenFigures] - value), `${of} ${name}`).toBeLessThan(TOLERANCE);
  }
}
