import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { EvaluationOrder } from "../../catalog/index.js";
import type { ModelPack } from "../../models/index.js";
import type { EvaluationDataset, ResolvedMedia } from "../datasets/index.js";
import type { IndexedClip } from "./index-clips.js";

/** Counted up when the figures of the same inputs change: another way to encode, to score or to measure. */
const REVISION = 1;

/** Bytes at the start and at the end of a media file that tell it from others of the same size. */
const SAMPLE_BYTES = 65_536;

/** Everything that decides the figures of an evaluation. */
export interface ProvenanceParts {
  order: EvaluationOrder;
  pack: ModelPack;
  dataset: EvaluationDataset;
  /** The experts that take part. */
  experts: readonly string[];
  /** What tells the clips of the media or the index; null for features, which the data set's version covers. */
  clips: string | null;
}

/**
 * SHA-256 over everything that decides the figures: revision, files of the pack, version of the data set, split, kind of
 * source and what tells its clips, experts, directions, scoring and seed. Folders, notes and series do not count, nor does
 * the machine: ffmpeg and execution providers move scores by rounding only.
 */
export function provenanceHash({ order, pack, dataset, experts, clips }: ProvenanceParts): string {
  const { manifest, id } = pack;
  return sha256({
    revision: REVISION,
    pack: { id, manifest },
    dataset: { benchmark: order.dataset, version: dataset.version, split: dataset.split, protocol: dataset.protocol },
    source: { kind: order.source.kind, clips },
    experts,
    directions: order.directions,
    clipScoring: order.clipScoring,
    seed: order.seed,
  });
}

/**
 * What tells the media of a data set: for each clip its part of the file, the file's size, and its first and last
 * 64 KiB. Reading whole files would take as long as decoding them.
 */
export async function mediaFingerprint(media: readonly (ResolvedMedia | null)[], signal: AbortSignal): Promise<string> {
  const samples = new Map<string, string>();
  const clips: unknown[] = [];
  for (const clip of media) {
    signal.throwIfAborted();
    if (clip !== null && !samples.has(clip.file)) samples.set(clip.file, await sampleOf(clip.file));
    clips.push(clip === null ? null : [clip.startSeconds, clip.endSeconds, samples.get(clip.file)]);
  }
  return sha256(clips);
}

/** What tells the clips of the index: which videos they are, and when each was indexed. */
export function indexFingerprint(clips: readonly (IndexedClip | null)[]): string {
  return sha256(clips.map((clip) => clip && [clip.externalId, clip.indexedAt?.toISOString()]));
}

/** An empty text where the file cannot be read: the clip will count as unreadable. */
async function sampleOf(file: string): Promise<string> {
  const handle = await open(file).catch(() => null);
  if (handle === null) return "";
  try {
    const { size } = await handle.stat();
    const hash = createHash("sha256").update(String(size));
    for (const start of [0, Math.max(0, size - SAMPLE_BYTES)]) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, start);
      hash.update(buffer.subarray(0, bytesRead));
    }
    return hash.digest("hex");
  } catch {
    return "";
  } finally {
    await handle.close();
  }
}

function sha256(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

/** JSON with the fields of objects in order of their names, so that equal values give equal texts. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
