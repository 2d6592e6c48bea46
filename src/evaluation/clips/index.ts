export { encodeClips } from "./encode-clips.js";
export { MissingClipCount } from "./missing-clips.js";
export type { ClipParts, ClipProgress, ClipSource, ClipWork, EncodedClips } from "./types.js";
