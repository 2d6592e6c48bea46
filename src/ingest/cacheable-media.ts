import { stat } from "node:fs/promises";
import type { ResolvedOptions } from "../config/index.js";
import type { CacheableMedia } from "../encoding/index.js";
import type { FfmpegTools } from "../media/index.js";

/**
 * Names a media file and how it is decoded, so that its features may be kept.
 *
 * @param file absolute path, symbolic links resolved
 * @returns undefined when no features are kept
 */
export async function cacheableMedia(
  { tools, options }: { tools: FfmpegTools; options: Pick<ResolvedOptions, "audioTrack" | "featureCache"> },
  file: string,
): Promise<CacheableMedia | undefined> {
  if (options.featureCache === undefined) return undefined;
  const keyNow = async (): Promise<string> => {
    const { size, mtimeNs } = await stat(file, { bigint: true });
    // Decoders of other versions may give other samples.
    return JSON.stringify([file, String(size), String(mtimeNs), tools.version, options.audioTrack]);
  };
  const key = await keyNow();
  return { key, isUnchanged: async () => (await keyNow().catch(() => undefined)) === key };
}
