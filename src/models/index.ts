export { createInferencePool, type InferenceLogger, type InferenceOptions, type InferencePool } from "./inference.js";
export {
  CLIP_ENCODER,
  flatDimension,
  packManifestSchema,
  TEXT_ENCODER,
  type AudioExpertManifest,
  type PackManifest,
} from "./manifest.js";
export { loadModelPack, packFile, type ModelPack } from "./pack.js";
export { elementCount, type Tensor } from "./tensor.js";
