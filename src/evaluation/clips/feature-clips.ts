import type { ClipFeatures } from "../../encoding/index.js";
import type { DatasetClip, EvaluationDataset } from "../datasets/index.js";
import type { ClipOutcome } from "./outcome.js";
import type { ClipParts } from "./types.js";

/**
 * Encodes clips from the features of their data set.
 *
 * @param experts names of the experts that take part
 * @throws FeaturesDoNotFitError, DatasetInvalidError, and the errors of inference
 */
export async function encodeFeatureClips(
  { encoder }: Pick<ClipParts, "encoder">,
  { features }: Pick<EvaluationDataset, "features">,
  experts: readonly string[],
  clips: readonly DatasetClip[],
  signal: AbortSignal,
): Promise<ClipOutcome[]> {
  const read: ClipFeatures[] = [];
  for (const { row } of clips) {
    signal.throwIfAborted();
    const found = experts.map(async (name) => [name, row < 0 ? null : await (features?.[name]?.read(row) ?? null)]);
    read.push(Object.fromEntries(await Promise.all(found)) as ClipFeatures);
  }
  const encoded = await encoder.encodeFeatures(read, signal);
  return encoded.map(({ pattern, vector }, place): ClipOutcome => {
    if (clips[place]!.row < 0) return { missing: "notFound", reason: "The data set has no features of it." };
    if (pattern === 0) return { missing: "withoutExpert", reason: "No expert that takes part has features of it." };
    return { rows: [{ pattern, vector, segment: null }] };
  });
}
