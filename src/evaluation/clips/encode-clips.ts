import { createHash } from "node:crypto";
import { flatDimension } from "../../models/index.js";
import type { DatasetClip } from "../datasets/index.js";
import { encodeFeatureClips } from "./feature-clips.js";
import { inOrder } from "./in-order.js";
import { encodeMediaClip } from "./media-clip.js";
import { MissingClipCount } from "./missing-clips.js";
import type { ClipOutcome } from "./outcome.js";
import { ClipSpool } from "./spool.js";
import type { ClipParts, ClipProgress, ClipWork, EncodedClips } from "./types.js";

/** Clips whose features are encoded together. A block that was broken off is encoded anew: it decides the rounding. */
const FEATURE_BLOCK = 64;

/** What became of clips that are next to each other. */
interface Block {
  outcomes: readonly ClipOutcome[];
  /** Seconds of media. */
  seconds: number;
}

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
  const { blockSize, atOnce, encode } = planOf(parts, work);
  const spool = await ClipSpool.open(work.folder, keyOf(parts, work), flatDimension(parts.pack.manifest));
  try {
    if (spool.length < clips.length) await spool.dropFrom(spool.length - (spool.length % blockSize));
    onProgress(spool.length, clips.length);
    let mediaSeconds = 0;
    for await (const { outcomes, seconds } of inOrder(
      blocksFrom(spool.length, clips.length, blockSize),
      atOnce,
      encode,
      signal,
    )) {
      await spool.append(outcomes);
      mediaSeconds += seconds;
      onProgress(spool.length, clips.length);
    }
    return { ...collect(spool, work), mediaSeconds: work.source.kind === "media" ? mediaSeconds : null };
  } finally {
    await spool.close();
  }
}

/** How the clips are worked on. */
interface Plan {
  /** Clips that are encoded together. */
  blockSize: number;
  /** Blocks worked on at once. */
  atOnce: number;
  encode: (places: readonly number[], signal: AbortSignal) => Promise<Block>;
}

function planOf(parts: ClipParts, work: ClipWork): Plan {
  const { dataset, source } = work;
  // One more than can run: its features are read, or its file is opened, meanwhile.
  const atOnce = parts.inference.parallelism + 1;
  if (source.kind === "features") {
    const names = parts.pack.manifest.experts.map(({ name }) => name);
    const experts = names.filter((name) => work.experts?.includes(name) ?? true);
    const encode: Plan["encode"] = async (places, signal) => {
      const taking = places.map((place) => dataset.clips[place]!).filter((clip) => takesPart(clip, work));
      const encoded = await encodeFeatureClips(parts, dataset, experts, taking, signal);
      const outcomes = new Map(taking.map((clip, i) => [clip, encoded[i]!]));
      return { outcomes: places.map((place) => outcomes.get(dataset.clips[place]!) ?? withoutCaption), seconds: 0 };
    };
    return { blockSize: FEATURE_BLOCK, atOnce, encode };
  }
  const encode: Plan["encode"] = async ([place], signal) => {
    if (!takesPart(dataset.clips[place!]!, work)) return { outcomes: [withoutCaption], seconds: 0 };
    const media = source.media[place!] ?? null;
    const { outcome, seconds } = await encodeMediaClip(parts, work, source.tools, media, signal);
    return { outcomes: [outcome], seconds };
  };
  return { blockSize: 1, atOnce: Math.max(parts.options.ingest.concurrency, atOnce), encode };
}

const withoutCaption: ClipOutcome = { missing: "withoutCaption", reason: "It has no caption." };

function takesPart({ captions }: DatasetClip, { dataset }: ClipWork): boolean {
  return captions.length > 0 || dataset.relevance.length > 0;
}

/** Places of clips, block by block. */
function* blocksFrom(first: number, clips: number, blockSize: number): Generator<number[]> {
  for (let from = first; from < clips; from += blockSize) {
    yield Array.from({ length: Math.min(blockSize, clips - from) }, (_, i) => from + i);
  }
}

/** Hash of all that decides the vectors. */
function keyOf({ pack, options }: ClipParts, { dataset, source, scoring, experts }: ClipWork): string {
  const decisive = {
    format: 1,
    manifest: pack.manifest,
    experts,
    scoring,
    dataset: [dataset.benchmark, dataset.title, dataset.split, dataset.version],
    clips: dataset.clips.map(({ id, row }) => [id, row]),
    source: source.kind === "features" ? source.kind : [source.media, source.tools.version],
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
