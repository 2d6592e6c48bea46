export { decodePcm, type DecodeOptions } from "./decode.js";
export { isRunning, removeStaleFolders } from "./temporary.js";
export { findFfmpeg, type FfmpegTools } from "./ffmpeg.js";
export { chooseAudioStream, probe, type AudioStream, type MediaProbe, type ProbeOptions } from "./probe.js";
