export type {
  DatasetClip,
  EvaluationDataset,
  ExpertFeatures,
  MediaName,
  MomentQuery,
  Protocol,
  RelevanceQuery,
  RelevanceQuerySet,
  WordFeatures,
} from "./dataset.js";
export { resolveMedia, type ResolvedMedia } from "./media-folder.js";
export { describeDataset, openDataset, type DatasetRequest, type DatasetSummary } from "./open.js";
