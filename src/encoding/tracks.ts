import type { FrameFormat } from "../models/index.js";
import { PictureTrack, type PlacedVisualExpert } from "./picture-track.js";
import { SoundTrack, type PlacedAudioExpert } from "./sound-track.js";
import type { Track } from "./track.js";
import type { RunningParts, VideoStreams } from "./types.js";

/** One track for the sound, and one for each format of the frames, as far as there are streams and experts for them. */
export function openTracks(parts: RunningParts, { sound, pictures }: VideoStreams, signal: AbortSignal): Track[] {
  const audio: PlacedAudioExpert[] = [];
  const visual = new Map<string, { format: FrameFormat; experts: PlacedVisualExpert[] }>();
  parts.manifest.experts.forEach((expert, place) => {
    if (!parts.experts.has(expert.name)) return;
    if (expert.modality === "audio") {
      audio.push({ place, expert });
      return;
    }
    const { framesPerSecond, frameWidth, frameHeight } = expert;
    const format = { framesPerSecond, frameWidth, frameHeight };
    const key = Object.values(format).join(" ");
    const sharing = visual.get(key) ?? { format, experts: [] };
    visual.set(key, sharing);
    sharing.experts.push({ place, expert });
  });
  const tracks: Track[] = [];
  if (sound !== undefined && audio.length > 0) tracks.push(new SoundTrack(parts, audio, sound, signal));
  if (pictures === undefined) return tracks;
  for (const { format, experts } of visual.values())
    tracks.push(new PictureTrack(parts, format, experts, pictures, signal));
  return tracks;
}
