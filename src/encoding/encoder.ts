import { chooseExperts, type InferencePool, type ModelPack } from "../models/index.js";
import type { Observe } from "../telemetry/index.js";
import type { FeatureCache } from "./feature-cache.js";
import { encodeFeatures } from "./feature-encoder.js";
import { TextEncoder } from "./text-encoder.js";
import type { Encoder, EncodingParts } from "./types.js";
import { encodeVideo } from "./video-encoder.js";
import { encodeClip } from "./whole-clip.js";

/** How an encoder works. */
export interface EncoderOptions {
  /** Most windows in one run of every expert. @default for each what the pool says */
  batchSize?: number;
  /** A segment all of whose samples are quieter than this (full scale = 1) is silent. @default 0.0001 */
  silenceThreshold?: number;
  /** Encoded queries kept in memory. @default 1000 */
  queryCacheSize?: number;
  /** Told whether a query was in memory. @default nobody */
  observe?: Observe;
  /**
   * Names of the experts that take part. The others are not run and count as missing everywhere; patterns and vectors keep
   * their places. @default all of the pack
   */
  experts?: readonly string[];
  /** Keeps features of whole videos. @default nothing is kept */
  cache?: FeatureCache | undefined;
}

/**
 * Makes the encoder of one model pack. It holds no threads of its own: close the inference pool when done.
 *
 * @throws ExpertUnknownError the pack has no expert of a name
 */
export function createEncoder(pack: ModelPack, inference: InferencePool, options: EncoderOptions = {}): Encoder {
  const { batchSize, silenceThreshold = 1e-4, queryCacheSize = 1000, cache } = options;
  const { manifest } = pack;
  const experts = new Set(chooseExperts(manifest, options.experts));
  const parts: EncodingParts = {
    manifest,
    inference,
    batchSize,
    silenceThreshold,
    experts,
    tokenLimit: "segment",
    cache,
  };
  const text = new TextEncoder(pack, inference, queryCacheSize, options.observe);
  return {
    encodeText: (query, how) => text.encode(query, how),
    encodeWords: (vectors) => text.encodeVectors(vectors),
    encodeVideo: (streams, onProgress, signal) => encodeVideo(parts, streams, onProgress, signal),
    encodeAudio: (sound, onProgress, signal) => encodeVideo(parts, { sound }, onProgress, signal),
    encodeClip: (streams, signal) => encodeClip(parts, streams, signal),
    encodeFeatures: (clips, signal) => encodeFeatures(parts, clips, signal),
  };
}
