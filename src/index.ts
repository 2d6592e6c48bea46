/** What a host imports. */
export {
  createEarshot,
  type Earshot,
  type EarshotEvents,
  type EarshotHealth,
  type HostOptions,
  type PartHealth,
} from "./earshot.js";
export type {
  Catalog,
  EvaluationOrder,
  EvaluationRecord,
  EvaluationResult,
  EvaluationStage,
  EvaluationState,
  IngestJobRecord,
  IngestJobState,
  IngestStage,
  SegmentRecord,
  VideoFilter,
  VideoRecord,
  VideoState,
} from "./catalog/index.js";
export type { EarshotOptions, ResolvedOptions } from "./config/index.js";
export * from "./errors.js";
export type { EvaluationEvents, EvaluationInput, EvaluationService } from "./evaluation/index.js";
export type { Right, Viewer, ViewerHook, ViewerOptions } from "./graphql/viewer.js";
export type { IngestService } from "./ingest/index.js";
export type { ModelPack, PackManifest } from "./models/index.js";
export type { Moment, SearchNotice, SearchPage, SearchRequest, SearchService, VideoSearchHit } from "./search/index.js";
export { startServer, type RequestContext, type RunningServer, type ServerOptions } from "./server/index.js";
export type { VectorIndex } from "./vectors/index.js";
