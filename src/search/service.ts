/** From a sentence to a page of videos: normalise, encode, rank, load, find the moments. */
import type { Catalog, VideoFilter, VideoRecord } from "../catalog/index.js";
import { queryVector, type EncodedQuery, type Encoder } from "../encoding/index.js";
import type { ModelPack } from "../models/index.js";
import type { PatternQuery, VectorFilter, VectorIndex } from "../vectors/index.js";
import { decodeCursor, encodeCursor, searchFingerprint, type SearchPosition } from "./cursor.js";
import { findMoments, type SegmentGrid, type SegmentScore } from "./moments.js";
import { queryNotices } from "./notices.js";
import { rankVideos } from "./ranking.js";
import { relevanceOf, scoreOf } from "./relevance.js";
import { checkRanges, normaliseQuery } from "./request.js";
import type { Moment, SearchPage, SearchRequest, VideoSearchHit } from "./types.js";

/** Searches videos by what is heard in them. */
export interface SearchService {
  /**
   * One page of the videos which fit a query best.
   *
   * A query without a known word gives an empty page with a notice, never a random one.
   *
   * @throws QueryEmptyError, QueryTooLongError, FirstOutOfRangeError, MomentsPerVideoOutOfRangeError,
   *   MinRelevanceOutOfRangeError, InvalidCursorError, InvalidFilterError
   */
  search(request: SearchRequest): Promise<SearchPage>;
}

/** What a search works with. */
export interface SearchServiceParts {
  catalog: Catalog;
  vectors: VectorIndex;
  encoder: Encoder;
  pack: ModelPack;
  /** Longest query in characters. */
  maxQueryCharacters: number;
  /** Told the seconds each finished search took. */
  onSearch?: (seconds: number) => void;
}

/** Makes the search service of one model pack. */
export function createSearchService(parts: SearchServiceParts): SearchService {
  const search = new AudioSearch(parts);
  return {
    async search(request) {
      const started = performance.now();
      const page = await search.page(request);
      parts.onSearch?.((performance.now() - started) / 1000);
      return page;
    },
  };
}

class AudioSearch {
  private readonly grid: SegmentGrid;

  constructor(private readonly parts: SearchServiceParts) {
    const { segment, sampleRate } = parts.pack.manifest;
    this.grid = { hopSeconds: segment.hopSamples / sampleRate, lengthSeconds: segment.lengthSamples / sampleRate };
  }

  async page(request: SearchRequest): Promise<SearchPage> {
    const { catalog, vectors, encoder, pack, maxQueryCharacters } = this.parts;
    const { tenant, first } = request;
    checkRanges(request);
    const text = normaliseQuery(request.query, maxQueryCharacters);
    const fingerprint = searchFingerprint([pack.id, tenant, text, request.filter, request.minRelevance]);
    const after = request.after === undefined ? undefined : decodeCursor(request.after, fingerprint);

    const query = await encoder.encodeText(text);
    const notices = queryNotices(query);
    if (query.knownWords.length === 0) return { hits: [], hasNextPage: false, notices };

    const filter = await this.vectorFilter(tenant, request.filter);
    const queries = await this.queryVectors(query, filter);
    const minScore =
      request.minRelevance === undefined ? -Infinity : scoreOf(request.minRelevance, pack.manifest.calibration);
    const ranked = await rankVideos(vectors, pack.id, queries, filter, first + 1, after, minScore);
    const placed = ranked.slice(0, first);
    const videos = new Map(
      (
        await catalog.videos.findMany(
          tenant,
          placed.map(({ videoId }) => videoId),
        )
      ).map((video) => [video.id, video]),
    );
    const moments = await this.moments(tenant, queries, placed, videos, request.momentsPerVideo);

    const hits: VideoSearchHit[] = [];
    for (const position of placed) {
      const video = videos.get(position.videoId);
      const found = moments.get(position.videoId);
      // A video deleted since it was ranked is passed over; the page is shorter by one.
      if (video === undefined || found === undefined) continue;
      hits.push({
        cursor: encodeCursor(position, fingerprint),
        video,
        score: position.score,
        relevance: relevanceOf(position.score, pack.manifest.calibration),
        moments: found,
      });
    }
    return { hits, hasNextPage: ranked.length > first, notices };
  }

  private async vectorFilter(tenant: string, filter: VideoFilter | undefined): Promise<VectorFilter> {
    if (filter === undefined || Object.keys(filter).length === 0) return { tenant };
    return { tenant, videoIds: await this.parts.catalog.videos.findIds(tenant, filter) };
  }

  /** One query vector for each availability pattern that occurs: architecture section 5. */
  private async queryVectors(query: EncodedQuery, filter: VectorFilter): Promise<PatternQuery[]> {
    const patterns = await this.parts.vectors.patterns(this.parts.pack.id, filter);
    return patterns.map((pattern) => ({ pattern, vector: queryVector(query, pattern) }));
  }

  /** Moments of the placed videos: all their segments are scored once more, and put in order of time. */
  private async moments(
    tenant: string,
    queries: readonly PatternQuery[],
    placed: readonly SearchPosition[],
    videos: ReadonlyMap<string, VideoRecord>,
    limit: number,
  ): Promise<Map<string, Moment[]>> {
    const { catalog, vectors, pack } = this.parts;
    const found = new Map<string, Moment[]>();
    if (placed.length === 0) return found;
    const videoIds = placed.map(({ videoId }) => videoId);
    const segments = await catalog.segments.ofVideos(pack.id, videoIds);
    const hits = await vectors.query(pack.id, queries, { tenant, videoIds }, Math.max(1, segments.length));
    const scores = new Map(hits.map(({ segmentId, score }) => [segmentId, score]));
    const scored = new Map<string, SegmentScore[]>(videoIds.map((videoId) => [videoId, []]));
    for (const segment of segments) {
      const score = scores.get(segment.id);
      if (score !== undefined) scored.get(segment.videoId)?.push({ ...segment, score });
    }
    for (const [videoId, list] of scored) {
      if (list.length === 0) continue;
      list.sort((a, b) => a.ordinal - b.ordinal);
      const duration = videos.get(videoId)?.durationSeconds ?? null;
      const spans = findMoments(list, this.grid, duration, pack.manifest.calibration, limit);
      found.set(
        videoId,
        spans.map((span) => ({ ...span, relevance: relevanceOf(span.score, pack.manifest.calibration) })),
      );
    }
    return found;
  }
}
