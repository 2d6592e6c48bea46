import type { IndexedVideoContents } from "../../catalog/index.js";
import { compareVideos } from "../best-hits.js";
import type { PatternQuery, VectorFilter, VideoHit, VideoPage, VideoPosition } from "../index.js";
import { LivePoints } from "./live-points.js";
import { searchesFor, type ScoredPoint } from "./ranking.js";
import type { SearchParts } from "./segment-search.js";

/** Points of the first search, for each video that is wanted. */
const POINTS_PER_VIDEO = 8;
/** Least and most points of a search. */
const SHALLOWEST = 64;
const DEEPEST = 8192;
/** Segments that are asked for at once when videos are scored. */
const SEGMENTS_AT_ONCE = 10_000;

/** See {@link VectorIndex.queryVideos}. */
export function bestVideos(
  parts: SearchParts,
  queries: readonly PatternQuery[],
  filter: VectorFilter,
  page: VideoPage,
): Promise<VideoHit[]> {
  return new VideoSearch(parts, queries, filter, page).run();
}

/**
 * One search for a page of videos.
 *
 * It ranks points, deeper and deeper. A video is settled by its best point, and its other points are then left out, so
 * that a video with thousands of segments does not stand before the others. Videos of the page are then scored exactly,
 * with all their segments.
 */
class VideoSearch {
  private readonly live: LivePoints;
  /** Videos by the best point that was found of each. */
  private readonly settled = new Map<string, ScoredPoint>();
  /** Settled videos that were scored, whether they are on the page or not. */
  private readonly scored = new Set<string>();
  private readonly page: VideoHit[] = [];

  constructor(
    private readonly parts: SearchParts,
    private readonly queries: readonly PatternQuery[],
    private readonly filter: VectorFilter,
    private readonly wanted: VideoPage,
  ) {
    this.live = new LivePoints(parts.catalog, parts.indexId);
  }

  async run(): Promise<VideoHit[]> {
    const { limit, minScore } = this.wanted;
    const searches = searchesFor(this.queries, this.filter);
    for (let depth = Math.min(Math.max(SHALLOWEST, POINTS_PER_VIDEO * limit), DEEPEST); ;) {
      const leftOut = { videoIds: [...this.settled.keys()], generations: this.live.deadGenerations };
      const { points, horizon } = await this.parts.search.best(searches, depth, leftOut, minScore);
      const counting = await this.live.sift(points);
      if (counting === undefined) continue;
      const known = leftOut.videoIds.length + leftOut.generations.length;
      this.settle(counting, horizon);
      const changed = await this.fillPage(horizon);
      // A video that was replaced while it was scored is looked for again.
      if (changed) continue;
      if (this.page.length >= limit || horizon === -Infinity) break;
      // A search that finds nothing new although there is more: the server does not leave out what it should.
      if (depth >= DEEPEST && this.settled.size + this.live.deadGenerations.length <= known) break;
      depth = Math.min(2 * depth, DEEPEST);
    }
    return this.page.sort(compareVideos).slice(0, limit);
  }

  /** Below the horizon another search may still find a better point of the video. */
  private settle(points: readonly ScoredPoint[], horizon: number): void {
    for (const point of points) {
      // Best first: the first point of a video is its best.
      if (point.score >= horizon && !this.settled.has(point.videoId)) this.settled.set(point.videoId, point);
    }
  }

  /**
   * Scores the best videos, as many as are missing on the page.
   *
   * @returns whether one of them changed meanwhile
   */
  private async fillPage(horizon: number): Promise<boolean> {
    // Of the same score as the horizon there may be videos with smaller ids.
    const ready = [...this.settled.values()]
      .filter((video) => !this.scored.has(video.videoId) && video.score > horizon && this.isWanted(video))
      .sort(compareVideos);
    for (let from = 0; from < ready.length && this.page.length < this.wanted.limit;) {
      const next = ready.slice(from, from + this.wanted.limit - this.page.length);
      from += next.length;
      const { hits, changed } = await this.score(next);
      for (const { videoId } of next) this.scored.add(videoId);
      this.page.push(...hits.filter((hit) => this.isWanted(hit)));
      for (const videoId of changed) {
        this.settled.delete(videoId);
        this.scored.delete(videoId);
      }
      if (changed.length > 0) return true;
    }
    return false;
  }

  private isWanted(position: VideoPosition): boolean {
    const { after, minScore = -Infinity } = this.wanted;
    return position.score >= minScore && (after === undefined || compareVideos(position, after) > 0);
  }

  /** Scores all segments of videos, and tells which videos are no longer what they were. */
  private async score(videos: readonly ScoredPoint[]): Promise<{ hits: VideoHit[]; changed: string[] }> {
    const { catalog, indexId } = this.parts;
    const ids = videos.map(({ videoId }) => videoId);
    const generations = new Map(videos.map(({ videoId, generation }) => [videoId, generation]));
    const before = await catalog.indexedVideos.ofVideos(indexId, ids);
    const same = before.filter(({ videoId, generation }) => generations.get(videoId) === generation);
    const hits: VideoHit[] = [];
    for (const group of groupsOf(same)) hits.push(...(await this.scoreGroup(group)));
    // What is live after it was read was whole while it was read: points are removed only once they are not.
    const after = await catalog.indexedVideos.generations(indexId, ids);
    const isSame = (videoId: string) => after.get(videoId) === generations.get(videoId);
    return { hits: hits.filter(({ videoId }) => isSame(videoId)), changed: ids.filter((videoId) => !isSame(videoId)) };
  }

  private async scoreGroup(videos: readonly IndexedVideoContents[]): Promise<VideoHit[]> {
    const { tenant } = this.filter;
    const videoIds = videos.map(({ videoId }) => videoId);
    const generation = { key: "generation", match: { any: videos.map((video) => video.generation) } };
    const searches = searchesFor(this.queries, { tenant, videoIds }).map(({ vector, conditions }) => {
      return { vector, conditions: [...conditions, generation] };
    });
    const limit = videos.reduce((sum, { segmentCount }) => sum + segmentCount, 0);
    const scores = new Map(videoIds.map((videoId) => [videoId, new Map<number, number>()]));
    for (const { videoId, ordinal, score } of await this.parts.search.all(searches, Math.max(1, limit))) {
      scores.get(videoId)?.set(ordinal, score);
    }
    return [...scores]
      .filter(([, segments]) => segments.size > 0)
      .map(([videoId, segments]) => toHit(videoId, segments));
  }
}

/** Videos in groups of so many segments; a longer video is a group of its own. */
function* groupsOf(videos: readonly IndexedVideoContents[]): Generator<IndexedVideoContents[]> {
  let group: IndexedVideoContents[] = [];
  let segments = 0;
  for (const video of videos) {
    if (group.length > 0 && segments + video.segmentCount > SEGMENTS_AT_ONCE) {
      yield group;
      group = [];
      segments = 0;
    }
    group.push(video);
    segments += video.segmentCount;
  }
  if (group.length > 0) yield group;
}

function toHit(videoId: string, segments: ReadonlyMap<number, number>): VideoHit {
  const inOrder = [...segments].sort(([a], [b]) => a - b);
  return {
    videoId,
    score: inOrder.reduce((best, [, score]) => Math.max(best, score), -Infinity),
    ordinals: Uint32Array.from(inOrder, ([ordinal]) => ordinal),
    scores: Float32Array.from(inOrder, ([, score]) => score),
  };
}
