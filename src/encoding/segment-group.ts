import {
  CLIP_ENCODER,
  flatDimension,
  type ExpertManifest,
  type InferencePool,
  type PackManifest,
  type Tensor,
} from "../models/index.js";
import type { EncodedSegment } from "./types.js";
import type { WindowReference } from "./track.js";

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

/**
 * [segments, maxTokens, featureDim] of one expert: its tokens in time order, cut behind `maxTokens`, or their mean; then
 * rows of zeros.
 */
async function expertFeatures(
  { maxTokens, featureDim, tokensPerWindow, aggregation }: ExpertManifest,
  windowsOfSegments: readonly WindowReference[][],
): Promise<Float32Array> {
  const data = new Float32Array(windowsOfSegments.length * maxTokens * featureDim);
  const windowLength = tokensPerWindow * featureDim;
  for (const [row, windows] of windowsOfSegments.entries()) {
    const target = data.subarray(row * maxTokens * featureDim, (row + 1) * maxTokens * featureDim);
    const features = await Promise.all(
      windows.map(async (window) =>
        (await window.batch).subarray(window.row * windowLength, (window.row + 1) * windowLength),
      ),
    );
    if (aggregation === "average") setMean(target, features);
    else features.forEach((source, place) => setCut(target, source, place * windowLength));
  }
  return data;
}

/** Copies `source` to `target` from `offset` on, as far as it fits. */
function setCut(target: Float32Array, source: Float32Array, offset: number): void {
  if (offset < target.length) target.set(source.subarray(0, target.length - offset), offset);
}

/** Sets `target` to the mean of all tokens; leaves it as it is when there are none. */
function setMean(target: Float32Array, features: readonly Float32Array[]): void {
  // Summed up in double precision: a segment has hundreds of frames.
  const sum = new Float64Array(target.length);
  let tokens = 0;
  for (const source of features) {
    tokens += source.length / target.length;
    for (let i = 0; i < source.length; i++) sum[i % sum.length]! += source[i]!;
  }
  if (tokens > 0) target.set(sum.map((value) => value / tokens));
}
