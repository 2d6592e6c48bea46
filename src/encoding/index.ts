export { createEncoder, type EncoderOptions } from "./encoder.js";
export { queryVector } from "./query-vector.js";
export { normaliseQueryText, tokenise } from "./tokeniser.js";
export type { EncodedQuery, EncodedSegment, Encoder, EncodingProgress } from "./types.js";
