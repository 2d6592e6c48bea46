export { chooseExperts } from "./experts.js";
export { findPack, listPacks, type FoundPack, type PackPlaces } from "./find-pack.js";
export { createInferencePool, type InferencePool } from "./inference.js";
export {
  CLIP_ENCODER,
  externalDataFile,
  flatDimension,
  TEXT_ENCODER,
  type AudioExpertManifest,
  type ExpertManifest,
  type FrameFormat,
  type PackManifest,
  type VisualExpertManifest,
} from "./manifest.js";
export { loadModelPack, packFile, readPackManifest, type ModelPack } from "./pack.js";
export type { InputTensor, Tensor } from "./tensor.js";
