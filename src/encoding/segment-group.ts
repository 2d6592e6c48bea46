import type { ExpertManifest, InferencePool, PackManifest } from "../models/index.js";
import { runClipEncoder, type Features } from "./clip-encoder.js";
import type { WindowReference } from "./track.js";
import type { EncodedSegment } from "./types.js";

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
  const features = await featuresOf(manifest, segments);
  const clips = await runClipEncoder(manifest, inference, features, signal);
  const seconds = (samples: number) => samples / manifest.sampleRate;
  return segments.map(({ index, start, end }, row) => {
    return { index, startSeconds: seconds(start), endSeconds: seconds(end), ...clips[row]! };
  });
}

/** Waits for the experts' features of a group of segments, in the same order. */
export function featuresOf(
  { experts }: Pick<PackManifest, "experts">,
  segments: readonly Pick<GroupSegment, "windows">[],
): Promise<Features[]> {
  return Promise.all(
    segments.map(({ windows }) => Promise.all(experts.map((expert, e) => windowFeatures(expert, windows[e]!)))),
  );
}

function windowFeatures(
  { tokensPerWindow, featureDim }: ExpertManifest,
  windows: readonly WindowReference[],
): Promise<Float32Array[]> {
  const length = tokensPerWindow * featureDim;
  return Promise.all(
    windows.map(async (window) => (await window.batch).subarray(window.row * length, (window.row + 1) * length)),
  );
}
