export { createInferencePool, type InferencePool } from "./inference.js";
export {
  CLIP_ENCODER,
  flatDimension,
  TEXT_ENCODER,
  type AudioExpertManifest,
  type PackManifest,
} from "./manifest.js";
export { loadModelPack, packFile, type ModelPack } from "./pack.js";
export type { Tensor } from "./tensor.js";
