import type { CatalogTransaction } from "../catalog/index.js";

/**
 * The port of the vector engines. One index holds the flat segment vectors of one model pack version.
 *
 * Every implementation passes the suite in `test/unit/vectors/contract.ts`.
 */

/** A segment's vector as it is stored. */
export interface VectorPoint {
  segmentId: string;
  videoId: string;
  tenant: string;
  /** Number of the segment in its video, from 0: what tells its time. */
  ordinal: number;
  /** Availability of the experts: bit e set = expert e of the manifest took part. */
  pattern: number;
  /** The flat vector; as wide as the index's `dimension`, finite. */
  vector: Float32Array;
}

/** A segment found. */
export interface VectorHit {
  segmentId: string;
  videoId: string;
  /** Inner product of the segment's vector with the query vector of its pattern. */
  score: number;
}

/** A place in a ranking of videos: by score descending, then by id ascending. */
export interface VideoPosition {
  videoId: string;
  /** Score of the video's best segment. */
  score: number;
}

/** A video found, with the scores of all its segments. */
export interface VideoHit extends VideoPosition {
  /** Numbers of the segments in the video, ascending. */
  ordinals: Uint32Array;
  /** Their scores, in the same order. */
  scores: Float32Array;
}

/** Which part of a ranking of videos is wanted. */
export interface VideoPage {
  /** Most videos to return. */
  limit: number;
  /** Only videos behind this position; from the top when left out. */
  after?: VideoPosition;
  /** Only videos of this score or a better one. */
  minScore?: number;
}

/** Which segments a query may see. The tenant is never optional. */
export interface VectorFilter {
  tenant: string;
  /** Only segments of these videos; absent = all of the tenant's, empty = none. */
  videoIds?: readonly string[];
}

/** An index to create. */
export interface IndexDescription {
  /** The model pack's id, `name@version`. */
  id: string;
  /** Width of the flat vectors. */
  dimension: number;
}

/** An index as it stands. */
export interface IndexInfo extends IndexDescription {
  /** Segments in it, over all tenants. */
  count: number;
  /** Availability patterns that occur in it, ascending. */
  patterns: number[];
}

/** One query vector for each availability pattern. */
export interface PatternQuery {
  pattern: number;
  vector: Float32Array;
}

/** A video's vectors that were handed over to the engine, and that no search finds yet. */
export interface StagedVideo {
  /**
   * Id of this write: the generation of the segments it brings. It belongs into the catalog, with the segments
   * (`SegmentRepository.replaceForVideo`), in the transaction that commits.
   */
  readonly generation: string;
  /**
   * Puts the vectors in the place of all that the index has of the video, from the transaction's commit on. The
   * segments must have been written before. May be called again with another transaction when the first was rolled
   * back.
   *
   * @throws VectorStageLostError when the engine has given the vectors up meanwhile; stage them again
   */
  commit(tx: CatalogTransaction): Promise<PendingWrite>;
  /** Takes back what was handed over, when no transaction with it was committed. Never throws. */
  discard(): Promise<void>;
}

/** A write that is staged in a transaction of the catalog. */
export interface PendingWrite {
  /**
   * Makes the write visible to searches, all of it at once. Call it after the catalog transaction has been
   * committed; never when it was rolled back. Resolves when every later query sees the write. An engine that keeps
   * its rows in the catalog may show it from the commit on.
   */
  publish(): Promise<void>;
}

/** Most videos that {@link VectorIndex.contentsOf} is asked for at once. */
export const MOST_VIDEOS = 256;

/** What an engine holds of one write of a video. */
export interface HeldGeneration {
  videoId: string;
  tenant: string;
  /** Id of the write, see {@link StagedVideo.generation}. */
  generation: string;
  /** Number of its vectors. */
  points: number;
}

/** Whether the engine can answer; `message` says what is wrong, or how full it is. */
export interface VectorHealth {
  ok: boolean;
  message?: string;
}

/** A vector engine. */
export interface VectorIndex {
  /** Longest time that a write may take, in seconds; 0 for one that is done or not when its call ends. */
  readonly writeSeconds: number;
  /** Creates the index; does nothing when it exists with the same dimension. */
  create(index: IndexDescription): Promise<void>;
  /**
   * Removes the index with all its vectors; does nothing when there is none. What the catalog knows of its segments
   * stays.
   */
  drop(id: string): Promise<void>;
  /**
   * Makes an index ready for searches, which otherwise the first one does: reads it into memory, for an engine that
   * searches there.
   *
   * @throws VectorIndexNotFoundError, VectorIndexUnavailableError
   */
  load(id: string): Promise<void>;
  /** Gives back what {@link load} has taken, when nobody in this process searches the index any more. */
  unload(id: string): Promise<void>;
  /** All indexes, by id. */
  list(): Promise<IndexInfo[]>;
  /**
   * Hands over the vectors (maybe none) that are to replace all of a video's: outside any transaction, for an engine
   * elsewhere takes its time. Nothing changes for searches before {@link StagedVideo.commit} was committed; a query
   * sees the old segments or the new ones, never a mix.
   *
   * @throws VectorInvalidError, VectorDimensionMismatchError, VectorIndexNotFoundError, VectorIndexUnavailableError
   */
  stageVideo(
    indexId: string,
    tenant: string,
    videoId: string,
    points: readonly VectorPoint[],
    signal?: AbortSignal,
  ): Promise<StagedVideo>;
  /** Removes all vectors of the video, from the transaction's commit on. */
  deleteVideo(indexId: string, videoId: string, tx: CatalogTransaction): Promise<PendingWrite>;
  /** Availability patterns among the segments the filter lets through, ascending. */
  patterns(indexId: string, filter: VectorFilter): Promise<number[]>;
  /**
   * The best `limit` segments over all patterns, by score descending, then segment id ascending.
   * A segment whose pattern has no query vector is not found.
   */
  query(indexId: string, queries: readonly PatternQuery[], filter: VectorFilter, limit: number): Promise<VectorHit[]>;
  /**
   * The best videos over all patterns, by the score of their best segment descending, then by video id ascending. A
   * video's score is the same whatever page or filter it is asked for with, as long as nothing is written.
   */
  queryVideos(
    indexId: string,
    queries: readonly PatternQuery[],
    filter: VectorFilter,
    page: VideoPage,
  ): Promise<VideoHit[]>;
  /** Number of segments, of one tenant when a filter is given. */
  count(indexId: string, filter?: VectorFilter): Promise<number>;
  /**
   * Removes what the engine holds of a video although the catalog counts it neither as the live generation nor as
   * staged: what replaced, deleted and given up writes left behind. May be repeated at any time, by any process, beside
   * any other write. Does nothing where the index is gone, and nothing for an engine that keeps its rows in the catalog.
   *
   * @throws VectorIndexUnavailableError, and the other errors of an engine that cannot be used
   */
  sweepVideo(indexId: string, videoId: string): Promise<void>;
  /**
   * Goes through all that the engine holds, over all tenants, staged and dead writes included; in batches, of which only
   * one is in memory. More vectors of a generation may come in a later batch. What is written meanwhile may be missing or
   * counted in part.
   *
   * @throws VectorIndexNotFoundError, VectorIndexUnavailableError
   */
  contents(indexId: string): AsyncIterable<readonly HeldGeneration[]>;
  /**
   * All that the engine holds of some videos, staged and dead writes included; each generation once, with all its
   * vectors.
   *
   * @param videoIds no more than {@link MOST_VIDEOS}
   * @throws VectorIndexNotFoundError, VectorIndexUnavailableError
   */
  contentsOf(indexId: string, videoIds: readonly string[]): Promise<HeldGeneration[]>;
  health(): Promise<VectorHealth>;
  /** Ends workers and connections. Calls after it are refused. */
  close(): Promise<void>;
}
