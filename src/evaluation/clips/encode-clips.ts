import { createHash } from "node:crypto";
import { flatDimension } from "../../models/index.js";
import { planFeatures } from "./feature-clips.js";
import { inOrder } from "./in-order.js";
import { planMedia } from "./media-clips.js";
import { MissingClipCount } from "./missing-clips.js";
import { ClipSpool } from "./spool.js";
import type { ClipParts, ClipProgress, ClipWork, EncodedClips } from "./types.js";

/**
 * Turns the clips of a data set into vectors, in a folder on disk: memory does not grow with their number. A process that
 * is killed loses the few clips that it worked on; the next run goes on behind those that were done, and ends with the same
 * bytes.
 *
 * Clips without a caption are left out unless the data set has relevance queries, which any clip may answer. Clips whose
 * media cannot be found or read, or in which no expert hears or sees anything, are counted and passed over.
 *
 * @throws FeaturesDoNotFitError, DatasetInvalidError, FfmpegUnavailableError, CatalogWriteError when the folder cannot be
 *   written, the errors of inference, and the signal's reason when aborted
 */
export async function encodeClips(
  parts: ClipParts,
  work: ClipWork,
  onProgress: ClipProgress,
  signal: AbortSignal,
): Promise<EncodedClips> {
  const { clips } = work.dataset;
  const { source } = work;
  const plan = source.kind === "features" ? planFeatures(parts, work) : await planMedia(parts, work, source);
  // One more than can run: its features are read, or its file is decoded, meanwhile.
  const atOnce = Math.max(
    parts.inference.parallelism + 1,
    source.kind === "media" ? parts.options.ingest.concurrency : 0,
  );
  const spool = await ClipSpool.open(work.folder, keyOf(parts, work), flatDimension(parts.pack.manifest));
  try {
    await spool.dropFrom(plan.resumeAt(spool.length));
    onProgress(spool.length, clips.length);
    let mediaSeconds = 0;
    const blocks = plan.blocksFrom(spool.length);
    for await (const { outcomes, seconds } of inOrder(
      blocks,
      atOnce,
      (block, ended) => plan.encode(block, ended),
      signal,
    )) {
      await spool.append(outcomes);
      mediaSeconds += seconds;
      onProgress(spool.length, clips.length);
    }
    return { ...collect(spool, work), mediaSeconds: source.kind === "media" ? mediaSeconds : null };
  } finally {
    await spool.close();
  }
}

/** Hash of all that decides the vectors. */
function keyOf({ pack, options }: ClipParts, { dataset, source, scoring, experts }: ClipWork): string {
  const decisive = {
    format: 2,
    manifest: pack.manifest,
    experts,
    scoring,
    dataset: [dataset.benchmark, dataset.title, dataset.split, dataset.version],
    clips: dataset.clips.map(({ id, row }) => [id, row]),
    source: source.kind === "features" ? source.kind : [source.media, source.fingerprint, source.tools.version],
    options: [options.limits, options.audioTrack, options.ingest.silenceThreshold],
  };
  return createHash("sha256").update(JSON.stringify(decisive)).digest("hex");
}

/** What the spool holds, as the scoring takes it. */
function collect(
  { entries, rowsFile, dimension }: ClipSpool,
  { dataset, scoring }: ClipWork,
): Omit<EncodedClips, "mediaSeconds"> {
  const missing = new MissingClipCount();
  const pool: number[] = [];
  const clipOfRow: number[] = [];
  const patterns: number[] = [];
  const ordinals: number[] = [];
  const times: number[] = [];
  entries.forEach((entry, place) => {
    if ("missing" in entry) {
      missing.add(entry.missing, dataset.clips[place]!.id, entry.reason);
      return;
    }
    for (const [pattern, ordinal = 0, startSeconds = 0, endSeconds = 0] of entry.rows) {
      clipOfRow.push(pool.length);
      patterns.push(pattern);
      ordinals.push(ordinal);
      times.push(startSeconds, endSeconds);
    }
    pool.push(place);
  });
  const areSegments = scoring === "BEST_SEGMENT";
  return {
    rows: {
      file: rowsFile,
      dimension,
      clipOfRow: Int32Array.from(clipOfRow),
      patterns: Int32Array.from(patterns),
    },
    pool: Uint32Array.from(pool),
    times: areSegments ? Float64Array.from(times) : null,
    ordinals: areSegments ? Uint32Array.from(ordinals) : null,
    missing: missing.value,
  };
}
