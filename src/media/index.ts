export { decodeFrames, type FrameOptions } from "./decode-frames.js";
export { decodeTogether, FILES_TOGETHER } from "./decode-together.js";
export { decodePcm, type DecodeOptions } from "./decode.js";
export { takeExcerpt, type MediaExcerpt } from "./excerpt.js";
export { MEDIA_FILE_NAME } from "./media-names.js";
export { isRunning, removeStaleFolders } from "./temporary.js";
export { openMediaFile, type MediaParts, type MediaRequest, type MediaStreams, type OpenedMedia } from "./open-file.js";
export type { MediaSpan } from "./span.js";
export { findFfmpeg, type FfmpegTools } from "./ffmpeg.js";
export {
  chooseAudioStream,
  chooseVideoStream,
  probe,
  type AudioStream,
  type MediaProbe,
  type ProbeOptions,
  type VideoStream,
} from "./probe.js";
export { followInRoots, isInside } from "./roots.js";
