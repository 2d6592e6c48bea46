/** From a sentence to a page of videos: normalise, encode, rank, load, find the moments. */
import type { Catalog, VideoFilter, VideoRecord } from "../catalog/index.js";
import type { Logger } from "../config/index.js";
import { queryVector, type EncodedQuery, type PackRuntime } from "../encoding/index.js";
import { EarshotError, VectorIndexNotFoundError } from "../errors.js";
import type { LiveIndex } from "../indexes/index.js";
import { observeNothing, secondsSince, withSpan, type Observe, type SearchOutcome } from "../telemetry/index.js";
import type { PatternQuery, VectorFilter, VectorIndex, VideoHit, VideoPosition } from "../vectors/index.js";
import { decodeCursor, encodeCursor, searchFingerprint } from "./cursor.js";
import { createMomentFinder, type MomentFinder } from "./moment-finder.js";
import type { ScoreScale } from "./moments.js";
import { queryNotices } from "./notices.js";
import { relevanceOf, scoreOf } from "./relevance.js";
import { checkDepth, checkRanges, normaliseQuery } from "./request.js";
import type { SearchPage, SearchRequest, VideoSearchHit } from "./types.js";

/** Searches videos by what is heard in them. */
export interface SearchService {
  /**
   * One page of the videos which fit a query best.
   *
   * A query without a known word gives an empty page with a notice, never a random one.
   *
   * @throws QueryEmptyError, QueryTooLongError, FirstOutOfRangeError, MomentsPerVideoOutOfRangeError,
   *   MinRelevanceOutOfRangeError, InvalidCursorError, CursorOutdatedError, SearchTooDeepError, InvalidFilterError
   */
  search(request: SearchRequest): Promise<SearchPage>;
}

/** What a search works with. */
export interface SearchServiceParts {
  catalog: Catalog;
  vectors: VectorIndex;
  live: LiveIndex;
  /** Longest query in characters. */
  maxQueryCharacters: number;
  /** Told of each search. @default nobody */
  logger?: Logger;
  /** A search that takes longer is logged as a warning, in seconds. @default none is */
  slowSeconds?: number;
  /** Told how each search ended, and after how long. @default nobody */
  observe?: Observe;
}

/** Makes the search service; each search uses the index that is live when it begins, and that one alone. */
export function createSearchService(parts: SearchServiceParts): SearchService {
  const { live, observe = observeNothing } = parts;
  return {
    search: (request) =>
      withSpan("search", {}, async (span) => {
        const started = performance.now();
        let outcome: SearchOutcome = "failed";
        try {
          const search = () => live.use((runtime) => new AudioSearch(parts, runtime).page(request));
          const page = await search().catch(async (error: unknown) => {
            if (!(error instanceof VectorIndexNotFoundError)) throw error;
            // Another process changed over and dropped the index since this one looked which is in use.
            await live.look();
            return search();
          });
          outcome = page.hits.length > 0 ? "found" : "nothing";
          span.setAttribute("earshot.search.hits", page.hits.length);
          logSearch(parts, request, page, secondsSince(started));
          return page;
        } catch (error) {
          if (error instanceof EarshotError && !error.retryable) outcome = "refused";
          throw error;
        } finally {
          observe({ kind: "search", outcome, seconds: secondsSince(started) });
        }
      }),
  };
}

/** The words of a query are its author's affair: only their number of characters is logged. */
function logSearch(
  { logger, slowSeconds = Infinity }: SearchServiceParts,
  request: SearchRequest,
  page: SearchPage,
  seconds: number,
) {
  const { tenant, query, first } = request;
  const details = { tenant, seconds, queryLength: query.length, first, hits: page.hits.length, index: page.pack.id };
  if (seconds > slowSeconds) logger?.warn(details, "a search was slow");
  else logger?.debug(details, "a search was answered");
}

/** A search with the models of one index. */
class AudioSearch {
  private readonly findMoments: MomentFinder;
  private readonly scale: ScoreScale;

  constructor(
    private readonly parts: SearchServiceParts,
    private readonly runtime: PackRuntime,
  ) {
    const { manifest } = runtime.pack;
    this.scale = manifest.calibration;
    this.findMoments = createMomentFinder(manifest);
  }

  async page(request: SearchRequest): Promise<SearchPage> {
    const { vectors, maxQueryCharacters } = this.parts;
    const { encoder, pack } = this.runtime;
    const { tenant, first } = request;
    checkRanges(request);
    const text = normaliseQuery(request.query, maxQueryCharacters);
    const fingerprint = searchFingerprint(pack.id, [tenant, text, request.filter, request.minRelevance]);
    const after = request.after === undefined ? undefined : decodeCursor(request.after, fingerprint);
    const before = after?.rank ?? 0;
    checkDepth(before);

    const query = await withSpan("search encode-text", {}, () => encoder.encodeText(text));
    const notices = queryNotices(query);
    if (query.knownWords.length === 0) return { hits: [], hasNextPage: false, notices, pack };

    const filter = await this.vectorFilter(tenant, request.filter);
    const queries = await this.queryVectors(query, filter);
    const minScore = request.minRelevance === undefined ? undefined : scoreOf(request.minRelevance, this.scale);
    const rank = (limit: number, position: VideoPosition | undefined): Promise<VideoHit[]> =>
      vectors.queryVideos(pack.id, queries, filter, {
        limit,
        ...(position === undefined ? {} : { after: position }),
        ...(minScore === undefined ? {} : { minScore }),
      });
    // One more than is shown tells whether there is a next page.
    const found = await this.existing(tenant, rank, first + 1, after);
    return {
      hits: found.slice(0, first).map(({ hit, video }, i) => ({
        ...this.searchHit(hit, video, request.momentsPerVideo),
        cursor: encodeCursor({ score: hit.score, videoId: hit.videoId, rank: before + i + 1 }, fingerprint),
      })),
      hasNextPage: found.length > first,
      notices,
      pack,
    };
  }

  /** The best videos of a ranking that are still there: one deleted since it was ranked gives its place to the next. */
  private async existing(
    tenant: string,
    rank: (limit: number, after: VideoPosition | undefined) => Promise<VideoHit[]>,
    limit: number,
    after: VideoPosition | undefined,
  ): Promise<{ hit: VideoHit; video: VideoRecord }[]> {
    const kept: { hit: VideoHit; video: VideoRecord }[] = [];
    for (let position = after; ;) {
      const wanted = limit - kept.length;
      const hits = await rank(wanted, position);
      const ids = hits.map(({ videoId }) => videoId);
      const records = await withSpan("search catalog", {}, () => this.parts.catalog.videos.findMany(tenant, ids));
      const videos = new Map(records.map((video) => [video.id, video]));
      for (const hit of hits) {
        const video = videos.get(hit.videoId);
        if (video !== undefined) kept.push({ hit, video });
      }
      const last = hits.at(-1);
      if (kept.length >= limit || hits.length < wanted || last === undefined) return kept;
      position = { videoId: last.videoId, score: last.score };
    }
  }

  private searchHit(hit: VideoHit, video: VideoRecord, momentsPerVideo: number): Omit<VideoSearchHit, "cursor"> {
    const { score } = hit;
    const spans = this.findMoments(hit, video.durationSeconds, momentsPerVideo);
    return {
      video,
      score,
      relevance: relevanceOf(score, this.scale),
      moments: spans.map((span) => ({ ...span, relevance: relevanceOf(span.score, this.scale) })),
    };
  }

  private async vectorFilter(tenant: string, filter: VideoFilter | undefined): Promise<VectorFilter> {
    if (filter === undefined || Object.keys(filter).length === 0) return { tenant };
    return { tenant, videoIds: await this.parts.catalog.videos.findIds(tenant, filter) };
  }

  /** One query vector for each availability pattern that occurs: architecture section 5. */
  private async queryVectors(query: EncodedQuery, filter: VectorFilter): Promise<PatternQuery[]> {
    const patterns = await this.parts.vectors.patterns(this.runtime.pack.id, filter);
    return patterns.map((pattern) => ({ pattern, vector: queryVector(query, pattern) }));
  }
}
