export { createEncoder } from "./encoder.js";
export { FeatureCache, type CacheableMedia } from "./feature-cache.js";
export { PackRuntimes, type BorrowedRuntime, type PackRuntime, type RuntimeOptions } from "./pack-runtimes.js";
export { queryVector } from "./query-vector.js";
export { segmentSamples } from "./segments.js";
export type { ClipFeatures, EncodedClip, EncodedQuery, EncodedSegment, Encoder, VideoStreams } from "./types.js";
