import {
  CLIP_ENCODER,
  flatDimension,
  type ExpertManifest,
  type InferencePool,
  type PackManifest,
  type Tensor,
} from "../models/index.js";
import { TokenMean } from "./token-mean.js";
import type { EncodedClip } from "./types.js";

/**
 * Features of a segment or a clip, by expert in manifest order: the tokens [tokens, featureDim] in pieces one after the
 * other. An expert without a piece is missing.
 */
export type Features = readonly (readonly Float32Array[])[];

/**
 * Runs the clip encoder over features, all in one batch. An expert's tokens behind `maxTokens` are cut, missing ones are
 * zeros (reference fact 1.2); those of an averaged expert become their mean.
 */
export async function runClipEncoder(
  manifest: PackManifest,
  inference: InferencePool,
  rows: readonly Features[],
  signal?: AbortSignal,
): Promise<EncodedClip[]> {
  if (rows.length === 0) return [];
  const { experts } = manifest;
  const inputs: Record<string, Tensor> = {
    availability: { data: availability(rows, experts.length), dims: [rows.length, experts.length] },
  };
  experts.forEach((expert, e) => {
    const data = expertFeatures(
      expert,
      rows.map((features) => features[e]!),
    );
    inputs[`features_${expert.name}`] = { data, dims: [rows.length, expert.maxTokens, expert.featureDim] };
  });
  const outputs = await inference.run(CLIP_ENCODER, inputs, signal);

  const dimension = flatDimension(manifest);
  return rows.map((features, row) => {
    const vector = new Float32Array(dimension);
    let pattern = 0;
    let offset = 0;
    experts.forEach(({ name, embeddingDim }, e) => {
      if (features[e]!.length > 0) {
        pattern |= 1 << e;
        const embeddings = outputs[`embedding_${name}`]!.data;
        vector.set(embeddings.subarray(row * embeddingDim, (row + 1) * embeddingDim), offset);
      }
      offset += embeddingDim;
    });
    return { pattern, vector };
  });
}

/** [rows, experts]: 1 where the expert has something. */
function availability(rows: readonly Features[], experts: number): Float32Array {
  const data = new Float32Array(rows.length * experts);
  rows.forEach((features, row) => {
    features.forEach((pieces, e) => {
      data[row * experts + e] = pieces.length > 0 ? 1 : 0;
    });
  });
  return data;
}

/** [rows, maxTokens, featureDim] of one expert. */
function expertFeatures(
  { maxTokens, featureDim, aggregation }: ExpertManifest,
  rows: readonly (readonly Float32Array[])[],
): Float32Array {
  const length = maxTokens * featureDim;
  const data = new Float32Array(rows.length * length);
  rows.forEach((pieces, row) => {
    const target = data.subarray(row * length, (row + 1) * length);
    if (aggregation === "average") setMean(target, pieces);
    else setCut(target, pieces);
  });
  return data;
}

/** Copies the pieces to `target` one after the other, as far as they fit. */
function setCut(target: Float32Array, pieces: readonly Float32Array[]): void {
  let offset = 0;
  for (const piece of pieces) {
    if (offset >= target.length) return;
    target.set(piece.subarray(0, target.length - offset), offset);
    offset += piece.length;
  }
}

/** Sets `target` to the mean of all tokens; leaves it as it is when there are none. */
function setMean(target: Float32Array, pieces: readonly Float32Array[]): void {
  if (pieces.length === 0) return;
  const mean = new TokenMean(target.length);
  for (const piece of pieces) mean.add(piece);
  target.set(mean.value());
}
