/** From the scores of segments to the best videos. */
import type { VideoHit, VideoPage, VideoPosition } from "../index.js";
import { BestHits, compareVideos } from "../best-hits.js";
import type { Partition, SlotScores } from "./partition.js";

/** A partition, and what its vectors scored for a query. */
export interface ScoredPartition {
  partition: Partition;
  scoreOf: SlotScores;
}

/**
 * The videos of a page, best first, with the scores of all their segments. A video counts as its best segment,
 * whatever partition that is in.
 *
 * @param videoIds the videos to look at; all when undefined
 */
export function bestVideos(
  scored: readonly ScoredPartition[],
  videoIds: ReadonlySet<string> | undefined,
  { limit, after, minScore = -Infinity }: VideoPage,
): VideoHit[] {
  const scoreOfVideo = new Map<string, number>();
  for (const { partition, scoreOf } of scored) {
    for (const [videoId, slots] of partition.videos(videoIds)) {
      let score = scoreOfVideo.get(videoId) ?? -Infinity;
      for (const slot of slots) score = Math.max(score, scoreOf(slot));
      scoreOfVideo.set(videoId, score);
    }
  }
  const best = new BestHits<VideoPosition>(limit, compareVideos);
  for (const [videoId, score] of scoreOfVideo) {
    if (score < minScore || !best.mayHold(score)) continue;
    const position = { videoId, score };
    if (after === undefined || compareVideos(position, after) > 0) best.add(position);
  }
  return best.sorted().map((position) => ({ ...position, ...segmentsOf(position.videoId, scored) }));
}

/** The segments of a video, from all partitions, in order of time. */
function segmentsOf(videoId: string, scored: readonly ScoredPartition[]): Pick<VideoHit, "ordinals" | "scores"> {
  const segments: { ordinal: number; score: number }[] = [];
  for (const { partition, scoreOf } of scored) {
    for (const [, slots] of partition.videos(new Set([videoId]))) {
      for (const slot of slots) segments.push({ ordinal: partition.ordinalOf(slot), score: scoreOf(slot) });
    }
  }
  segments.sort((a, b) => a.ordinal - b.ordinal);
  return {
    ordinals: Uint32Array.from(segments, ({ ordinal }) => ordinal),
    scores: Float32Array.from(segments, ({ score }) => score),
  };
}
