import { stat } from "node:fs/promises";
import { decodeTogether, FILES_TOGETHER } from "../../media/index.js";
import type { ResolvedMedia } from "../datasets/index.js";
import { attends, encodeMediaClip, encodeStreams, type EncodedMedia } from "./media-clip.js";
import { takesPart, withoutCaption, type Plan } from "./plan.js";
import type { ClipParts, ClipSource, ClipWork } from "./types.js";

/** Largest file that may be decoded together with others, in bytes: 40 seconds of 24-bit stereo at 48 kHz. */
const SMALL_BYTES = 12 * 1024 ** 2;

/**
 * Clips by their files. Small files of which only the sound is wanted are decoded together: starting ffprobe and ffmpeg for
 * each takes longer than small experts do. Each clip is encoded on its own all the same.
 *
 * The plan's work throws FfmpegUnavailableError and the errors of inference.
 */
export async function planMedia(
  parts: ClipParts,
  work: ClipWork,
  { media, tools }: Extract<ClipSource, { kind: "media" }>,
): Promise<Plan> {
  const { clips } = work.dataset;
  const onlySound = !attends(parts, work.experts, "visual");
  const mostBytes = Math.min(SMALL_BYTES, parts.options.limits.maxFileBytes);
  const small = await Promise.all(
    clips.map(
      async (_, place) => onlySound && takesPart(place, work) && (await isSmall(media[place] ?? null, mostBytes)),
    ),
  );

  const encodeOne = async (place: number, sound: Float32Array | null, signal: AbortSignal): Promise<EncodedMedia> => {
    if (sound !== null) {
      const { rows, seconds } = await encodeStreams(parts, work.scoring, { sound: fromMemory(sound) }, signal);
      if (rows.length > 0) return { outcome: { rows }, seconds };
    }
    // By itself: that tells what is wrong with it.
    return encodeMediaClip(parts, work, tools, media[place] ?? null, signal);
  };

  return {
    resumeAt: (done) => done,
    *blocksFrom(first) {
      for (let from = first; from < clips.length;) {
        let end = from + 1;
        while (small[from] && small[end] && end - from < FILES_TOGETHER) end++;
        yield Array.from({ length: end - from }, (_, i) => from + i);
        from = end;
      }
    },
    async encode(places, signal) {
      const files = places.flatMap((place) => (small[place] ? [media[place]!.file] : []));
      const { sampleRate } = parts.pack.manifest;
      const sounds =
        files.length === 0 ? [] : await decodeTogether({ tools, options: parts.options }, files, sampleRate, signal);
      const found: EncodedMedia[] = [];
      for (const [i, place] of places.entries()) {
        if (takesPart(place, work)) found.push(await encodeOne(place, sounds[i] ?? null, signal));
        else found.push({ outcome: withoutCaption, seconds: 0 });
      }
      return {
        outcomes: found.map(({ outcome }) => outcome),
        seconds: found.reduce((sum, { seconds }) => sum + seconds, 0),
      };
    },
  };
}

async function isSmall(media: ResolvedMedia | null, mostBytes: number): Promise<boolean> {
  if (media?.startSeconds !== null || media.endSeconds !== null) return false;
  const found = await stat(media.file).catch(() => null);
  return found !== null && found.isFile() && found.size > 0 && found.size <= mostBytes;
}

async function* fromMemory(sound: Float32Array): AsyncGenerator<Float32Array> {
  yield await Promise.resolve(sound);
}
