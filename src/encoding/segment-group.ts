import {
  CLIP_ENCODER,
  flatDimension,
  type AudioExpertManifest,
  type InferencePool,
  type PackManifest,
  type Tensor,
} from "../models/index.js";
import type { EncodedSegment } from "./types.js";
import type { WindowReference } from "./window-features.js";

/** A segment whose windows are with the experts. */
export interface GroupSegment {
  index: number;
  /** First sample, and the one after the last. */
  start: number;
  end: number;
  /** Its windows, by expert in manifest order; an expert without any is not available here. */
  windows: WindowReference[][];
}

/**
 * Waits for the experts' features of a group of segments and runs the clip encoder over them in one batch.
 *
 * @returns the segments in the same order, each with its flat vector concat_e(a_e V_e)
 */
export async function encodeGroup(
  manifest: PackManifest,
  inference: InferencePool,
  segments: readonly GroupSegment[],
  signal: AbortSignal,
): Promise<EncodedSegment[]> {
  if (segments.length === 0) return [];
  const { experts, sampleRate } = manifest;
  const inputs: Record<string, Tensor> = {
    availability: { data: availability(segments, experts.length), dims: [segments.length, experts.length] },
  };
  const features = await Promise.all(
    experts.map((expert, e) =>
      expertFeatures(
        expert,
        segments.map(({ windows }) => windows[e]!),
      ),
    ),
  );
  experts.forEach(({ name, maxTokens, featureDim }, e) => {
    inputs[`features_${name}`] = { data: features[e]!, dims: [segments.length, maxTokens, featureDim] };
  });
  const outputs = await inference.run(CLIP_ENCODER, inputs, signal);

  const dimension = flatDimension(manifest);
  return segments.map(({ index, start, end, windows }, row) => {
    const vector = new Float32Array(dimension);
    let pattern = 0;
    let offset = 0;
    experts.forEach(({ name, embeddingDim }, e) => {
      if (windows[e]!.length > 0) {
        pattern |= 1 << e;
        const embeddings = outputs[`embedding_${name}`]!.data;
        vector.set(embeddings.subarray(row * embeddingDim, (row + 1) * embeddingDim), offset);
      }
      offset += embeddingDim;
    });
    return { index, startSeconds: start / sampleRate, endSeconds: end / sampleRate, pattern, vector };
  });
}

/** [segments, experts]: 1 where the expert has at least one window. */
function availability(segments: readonly GroupSegment[], experts: number): Float32Array {
  const data = new Float32Array(segments.length * experts);
  segments.forEach(({ windows }, row) => {
    windows.forEach((found, e) => {
      data[row * experts + e] = found.length > 0 ? 1 : 0;
    });
  });
  return data;
}

/** [segments, maxTokens, featureDim] of one expert: its tokens in time order, or their mean; then rows of zeros. */
async function expertFeatures(
  { maxTokens, featureDim, tokensPerWindow, aggregation }: AudioExpertManifest,
  windowsOfSegments: readonly WindowReference[][],
): Promise<Float32Array> {
  const data = new Float32Array(windowsOfSegments.length * maxTokens * featureDim);
  const windowLength = tokensPerWindow * featureDim;
  for (const [row, windows] of windowsOfSegments.entries()) {
    const target = data.subarray(row * maxTokens * featureDim, (row + 1) * maxTokens * featureDim);
    for (const [place, window] of windows.entries()) {
      const source = (await window.batch).subarray(window.row * windowLength, (window.row + 1) * windowLength);
      if (aggregation === "sequence") target.set(source, place * windowLength);
      else addMean(target, source, windows.length * tokensPerWindow);
    }
  }
  return data;
}

/** Adds each token of `source`, divided by the number of tokens in the segment, to the one row of `target`. */
function addMean(target: Float32Array, source: Float32Array, tokens: number): void {
  for (let i = 0; i < source.length; i++) target[i % target.length]! += source[i]! / tokens;
}
