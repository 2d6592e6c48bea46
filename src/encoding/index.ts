export { createEncoder } from "./encoder.js";
export { queryVector } from "./query-vector.js";
export type { EncodedQuery, EncodedSegment, Encoder } from "./types.js";
