export { decodeFrames, type FrameOptions } from "./decode-frames.js";
export { decodePcm, type DecodeOptions } from "./decode.js";
export { MEDIA_FILE_NAME } from "./media-names.js";
export { isRunning, removeStaleFolders } from "./temporary.js";
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
export { followInRoots } from "./roots.js";
