/**
 * How well moments fit the times at which sounds are heard: an evaluation of the product's own, of scenes with known times.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import type { Benchmark } from "./benchmark.js";
import { createEarshot, processEnvironment, TENANT } from "./product.js";
import { rounded } from "./statistics.js";

export const moments: Benchmark = {
  name: "moments",
  async run({ folder: work, progress }) {
    const folder = scenesFolder();
    if (!existsSync(path.join(folder, "scenes.json")))
      return { values: [], settings: { skipped: "no scenes.json; name its folder with EARSHOT_SCENES" } };
    const earshot = await createEarshot({
      env: processEnvironment(),
      dataDirectory: path.join(work, "moments"),
      evaluation: { roots: [folder] },
      logLevel: "error",
    });
    try {
      await earshot.evaluation.start();
      const { id } = await earshot.evaluation.submit({ dataset: "CUSTOM", source: { media: folder } }, TENANT);
      progress("scenes are evaluated");
      const { result, state, errorMessage } = await earshot.evaluation.waitFor(TENANT, id);
      const found = result?.moments;
      const toAudio = result?.retrieval.find(({ direction }) => direction === "T2A");
      if (!result || !found || !toAudio) throw new Error(`the evaluation ended as ${state}: ${errorMessage}`);
      const share = (name: string, value: number) => ({ name, unit: "share", value: rounded(value) });
      return {
        values: [
          share("R1@0.3", found.recallAt1["0.3"].value),
          share("R1@0.5", found.recallAt1["0.5"].value),
          share("R1@0.7", found.recallAt1["0.7"].value),
          share("mAP", found.meanAveragePrecision.value),
          share("mAP@0.5", found.averagePrecisionAtHalf.value),
          share("right scene first", toAudio.recallAt1.value / 100),
        ],
        settings: { pack: earshot.pack.id, scenes: result.pool, queries: found.queries },
      };
    } finally {
      await earshot.close();
    }
  },
};

/** Scenes with known times: EARSHOT_SCENES, else those of the shared data beside the repository. */
function scenesFolder(): string {
  const env = processEnvironment();
  return path.resolve(env["EARSHOT_SCENES"] ?? path.join(env["EARSHOT_SHARED"] ?? "../shared", "data", "videos"));
}
