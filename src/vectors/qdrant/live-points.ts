import { LRUCache } from "lru-cache";
import type { Catalog } from "../../catalog/index.js";
import type { ScoredPoint } from "./ranking.js";

/** The part of the catalog that says which points count. */
export type LiveSource = Pick<Catalog, "indexedVideos">;

/** Generations whose first sighting is remembered. */
const REMEMBERED = 100_000;

/** When this process first saw a generation live. */
export class Sightings {
  private readonly first = new LRUCache<string, number>({ max: REMEMBERED });

  /**
   * Notes that generations are live now.
   *
   * @param since time, by `performance.now()`
   * @returns whether all of them were seen before that time
   */
  note(generations: Iterable<string>, since: number): boolean {
    let all = true;
    for (const generation of generations) {
      const seen = this.first.get(generation);
      if (seen === undefined) this.first.set(generation, performance.now());
      if (seen === undefined || seen > since) all = false;
    }
    return all;
  }
}

/**
 * Sifts what one search finds: a point counts when its generation is what the catalog says the index holds of its video.
 * Qdrant may still hold deleted videos and replaced segments, and already segments that are not committed yet.
 */
export class LivePoints {
  /** Generations that do not count, and their videos. */
  private readonly dead = new Map<string, string>();
  /** Videos that were looked for once more, and the generation they had then. */
  private readonly lookedFor = new Map<string, string>();

  constructor(
    private readonly catalog: LiveSource,
    private readonly indexId: string,
  ) {}

  /** Generations that a further search need not find. */
  get deadGenerations(): string[] {
    return [...this.dead.keys()];
  }

  /**
   * The points that count; undefined when what was found is no longer right, so that the search has to be made again.
   *
   * A commit may lie between the search and this: then all that was found of a video may be dead, or a generation was
   * left out that has come to life.
   */
  async sift(points: readonly ScoredPoint[]): Promise<ScoredPoint[] | undefined> {
    const videoIds = new Set([...points.map(({ videoId }) => videoId), ...this.dead.values()]);
    const live = await this.catalog.indexedVideos.generations(this.indexId, [...videoIds]);
    let outdated = false;
    for (const [generation, videoId] of this.dead) {
      if (live.get(videoId) !== generation) continue;
      this.dead.delete(generation);
      outdated = true;
    }
    const counting = points.filter(({ videoId, generation }) => live.get(videoId) === generation);
    const found = new Set(counting.map(({ videoId }) => videoId));
    for (const { videoId, generation } of points) {
      const now = live.get(videoId);
      if (now === generation) continue;
      this.dead.set(generation, videoId);
      if (now === undefined || found.has(videoId) || this.lookedFor.get(videoId) === now) continue;
      this.lookedFor.set(videoId, now);
      outdated = true;
    }
    return outdated ? undefined : counting;
  }
}
