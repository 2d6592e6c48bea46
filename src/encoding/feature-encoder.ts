import { FeaturesDoNotFitError } from "../errors.js";
import type { ExpertManifest } from "../models/index.js";
import { runClipEncoder, type Features } from "./clip-encoder.js";
import type { ClipFeatures, EncodedClip, EncodingParts } from "./types.js";

/** Most clips in one run of the clip encoder, and most bytes of their features: more make it no quicker. */
const CLIPS_PER_RUN = 64;
const BYTES_PER_RUN = 8 * 2 ** 20;

/** Encodes clips whose features are known; see {@link Encoder.encodeFeatures}. */
export async function encodeFeatures(
  parts: EncodingParts,
  clips: readonly ClipFeatures[],
  signal?: AbortSignal,
): Promise<EncodedClip[]> {
  const { manifest, inference } = parts;
  const rows = clips.map((clip) => manifest.experts.map((expert) => pieces(parts, expert, clip[expert.name] ?? null)));
  const bytes = manifest.experts.reduce((sum, { maxTokens, featureDim }) => sum + 4 * maxTokens * featureDim, 0);
  const perRun = Math.max(1, Math.min(CLIPS_PER_RUN, Math.floor(BYTES_PER_RUN / bytes)));
  const runs: Features[][] = [];
  for (let from = 0; from < rows.length; from += perRun) runs.push(rows.slice(from, from + perRun));
  const encoded: EncodedClip[][] = [];
  // One after the other: each run holds its padded features.
  for (const run of runs) encoded.push(await runClipEncoder(manifest, inference, run, signal));
  return encoded.flat();
}

/** The features of one expert as the clip encoder takes them. */
function pieces(
  { experts, manifest }: EncodingParts,
  { name, featureDim, aggregation }: ExpertManifest,
  features: Float32Array | null,
): Features[number] {
  if (features === null || features.length === 0 || !experts.has(name)) return [];
  const fits = aggregation === "average" ? features.length === featureDim : features.length % featureDim === 0;
  if (fits) return [features];
  const expected =
    aggregation === "average" ? `one vector of ${featureDim} numbers` : `tokens of ${featureDim} numbers`;
  throw new FeaturesDoNotFitError(
    `The features of the expert "${name}" do not fit the model pack ${manifest.name}@${manifest.version}: expected ` +
      `${expected}, found ${features.length} numbers in all.`,
  );
}
