import type { InferencePool, ModelPack } from "../models/index.js";
import { TextEncoder } from "./text-encoder.js";
import type { Encoder, EncodingParts } from "./types.js";
import { encodeVideo } from "./video-encoder.js";

/** How an encoder works. */
export interface EncoderOptions {
  /** Most windows in one run of an expert. @default 32 */
  batchSize?: number;
  /** A segment all of whose samples are quieter than this (full scale = 1) is silent. @default 0.0001 */
  silenceThreshold?: number;
  /** Encoded queries kept in memory. @default 1000 */
  queryCacheSize?: number;
}

/** Makes the encoder of one model pack. It holds no threads of its own: close the inference pool when done. */
export function createEncoder(pack: ModelPack, inference: InferencePool, options: EncoderOptions = {}): Encoder {
  const { batchSize = 32, silenceThreshold = 1e-4, queryCacheSize = 1000 } = options;
  const parts: EncodingParts = { manifest: pack.manifest, inference, batchSize, silenceThreshold };
  const text = new TextEncoder(pack, inference, queryCacheSize);
  return {
    encodeText: (query, how) => text.encode(query, how),
    encodeVideo: (streams, onProgress, signal) => encodeVideo(parts, streams, onProgress, signal),
    encodeAudio: (sound, onProgress, signal) => encodeVideo(parts, { sound }, onProgress, signal),
  };
}
