import { FeaturesDoNotFitError } from "../../errors.js";
import type { ExpertManifest, ModelPack } from "../../models/index.js";
import type { EvaluationDataset, WordFeatures } from "../datasets/index.js";

/**
 * The experts that take part, in manifest order: those wanted of which the data set has features.
 *
 * @param wanted names of experts of the pack
 * @throws FeaturesDoNotFitError features are of another width or kind than the pack takes, or there are none of its experts
 */
export function expertsWithFeatures(
  { manifest, id }: ModelPack,
  wanted: readonly string[],
  { title, features }: EvaluationDataset,
): string[] {
  const found = manifest.experts.filter((expert) => {
    if (!wanted.includes(expert.name)) return false;
    const given = features?.[expert.name];
    if (given === undefined) return false;
    if (given.dim !== expert.featureDim || given.aggregation !== expert.aggregation) {
      throw new FeaturesDoNotFitError(
        `The features "${expert.name}" of the data set "${title}" are ${nounOf(given.aggregation)} of ${given.dim} ` +
          `numbers; the model pack ${id} takes ${nounOf(expert.aggregation)} of ${expert.featureDim}.`,
        { field: "modelPack" },
      );
    }
    return true;
  });
  if (found.length > 0) return found.map(({ name }) => name);
  const known = Object.keys(features ?? {}).sort();
  throw new FeaturesDoNotFitError(
    `The data set "${title}" has features of ${known.join(", ") || "no expert"}, and of none that takes part: ` +
      `${wanted.join(", ")}.`,
    { field: "modelPack" },
  );
}

function nounOf(aggregation: ExpertManifest["aggregation"]): string {
  return aggregation === "sequence" ? "sequences of tokens" : "single vectors";
}

/** The data set's word vectors, where the pack takes them; null where the texts have to be encoded. */
export function fittingWords({ manifest }: ModelPack, { words }: EvaluationDataset): WordFeatures | null {
  return words !== null && words.dim === manifest.textEncoder.wordDim ? words : null;
}
