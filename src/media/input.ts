import path from "node:path";

/**
 * Containers that may be opened. Playlists and formats that name other files (hls, dash, concat, image2) are not among
 * them, nor are those that nobody uses for videos: every parser is a way in for a hostile file.
 */
const demuxers = [
  "mov",
  "matroska",
  "avi",
  "flv",
  "mpegts",
  "mpeg",
  "ogg",
  "asf",
  "mxf",
  "wav",
  "w64",
  "flac",
  "mp3",
  "aac",
  "ac3",
  "eac3",
  "aiff",
  "caf",
  "amr",
  "au",
];

/**
 * Arguments, the same for ffmpeg and ffprobe, that open one file and nothing else.
 *
 * @param seekSeconds where ffmpeg begins to read, seconds from the start of the file
 */
export function inputArguments(file: string, seekSeconds = 0): string[] {
  return [
    ...(seekSeconds > 0 ? ["-ss", String(seekSeconds)] : []),
    "-protocol_whitelist",
    "file,pipe",
    "-format_whitelist",
    demuxers.join(","),
    "-i",
    // With its prefix, no file name can be taken for an option or for another protocol.
    `file:${path.resolve(file)}`,
  ];
}
