export { encodeClips } from "./encode-clips.js";
export type { ClipParts, ClipProgress, ClipSource, ClipWork, EncodedClips } from "./types.js";
