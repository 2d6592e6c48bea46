import type { VectorHit, VideoPosition } from "./index.js";

/** Best first: by score descending, then by segment id ascending. */
export function compareHits(a: VectorHit, b: VectorHit): number {
  return b.score - a.score || (a.segmentId < b.segmentId ? -1 : a.segmentId > b.segmentId ? 1 : 0);
}

/** Best first: by score descending, then by video id ascending. */
export function compareVideos(a: VideoPosition, b: VideoPosition): number {
  return b.score - a.score || (a.videoId < b.videoId ? -1 : a.videoId > b.videoId ? 1 : 0);
}

/** Candidates that are kept before the worse ones are thrown out again. */
const LEAST_CAPACITY = 1024;

/** Keeps the best of many hits. */
export class BestHits<Hit extends { score: number }> {
  private kept: Hit[] = [];
  /** Score of the worst hit that can still be among the best. */
  private threshold = -Infinity;

  /**
   * @param limit number of hits wanted
   * @param compare their order: negative when `a` comes first, which the one with the better score does
   */
  constructor(
    private readonly limit: number,
    private readonly compare: (a: Hit, b: Hit) => number,
  ) {}

  /** Whether a hit of this score may be among the best; asked first, it spares making the hit. */
  mayHold(score: number): boolean {
    return score >= this.threshold;
  }

  add(hit: Hit): void {
    this.kept.push(hit);
    if (this.kept.length >= Math.max(LEAST_CAPACITY, 2 * this.limit)) this.prune();
  }

  /** The best hits, best first. */
  sorted(): Hit[] {
    this.prune();
    return this.kept;
  }

  private prune(): void {
    this.kept.sort(this.compare);
    if (this.kept.length < this.limit) return;
    this.kept.length = this.limit;
    this.threshold = this.kept.at(-1)?.score ?? Infinity;
  }
}
