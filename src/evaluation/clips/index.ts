export { encodeClips } from "./encode-clips.js";
export { MissingClipCount } from "./missing-clips.js";
export { takesPart } from "./plan.js";
export type { ClipParts, ClipProgress, ClipSource, ClipWork, EncodedClips } from "./types.js";
