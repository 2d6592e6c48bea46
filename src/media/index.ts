export { decodeFrames, type FrameOptions } from "./decode-frames.js";
export { decodePcm, type DecodeOptions } from "./decode.js";
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
