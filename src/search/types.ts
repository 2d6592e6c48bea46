import type { VideoFilter, VideoRecord } from "../catalog/index.js";
import type { ModelPack } from "../models/index.js";

/** A search for videos by what is heard in them. */
export interface SearchRequest {
  /** Whose videos are searched. */
  tenant: string;
  /** The words a person typed. */
  query: string;
  /** The most videos to return, 1 to {@link MAX_FIRST}. */
  first: number;
  /** Cursor of the last video of the page before. */
  after?: string;
  /** Which videos to look at; all of the tenant's when left out. */
  filter?: VideoFilter;
  /** Leaves out videos with a lower relevance, 0 to 1. */
  minRelevance?: number;
  /** The most moments for each video, 1 to {@link MAX_MOMENTS_PER_VIDEO}. */
  momentsPerVideo: number;
}

/** A span of a video in which the query is heard. */
export interface Moment {
  /** Seconds from the start of the video. */
  startSeconds: number;
  /** Seconds from the start of the video. */
  endSeconds: number;
  /** Score of its best segment, about -1 to 1. */
  score: number;
  /** Probability, 0 to 1, that the moment is right, by the pack's calibration. */
  relevance: number;
}

/** A video that was found. */
export interface VideoSearchHit {
  /** Opaque place in the results, for `after`. */
  cursor: string;
  video: VideoRecord;
  /** Score of the video's best segment, about -1 to 1. */
  score: number;
  /** Probability, 0 to 1, that the video is right, by the pack's calibration. */
  relevance: number;
  /** At least one, best first, never overlapping. */
  moments: Moment[];
}

/** Why a search may not show what its author meant. */
export type SearchNoticeCode = "UNKNOWN_WORDS" | "NO_KNOWN_WORD" | "QUERY_CUT";

/** A hint for the person who searches. */
export interface SearchNotice {
  code: SearchNoticeCode;
  /** The hint in words. */
  message: string;
  /** Words of the query it is about, as the tokeniser has them. */
  words: string[];
}

/** A page of results, best first: by score descending, then by video id. */
export interface SearchPage {
  hits: VideoSearchHit[];
  hasNextPage: boolean;
  notices: SearchNotice[];
  /** The models whose index was searched; its id is the index's. */
  pack: ModelPack;
}

/** Largest page. */
export const MAX_FIRST = 100;

/** Behind so many videos no page begins: an engine that ranks segments pays for a page with all videos before it. */
export const DEEPEST_RANK = 10_000;

/** Most moments for each video. */
export const MAX_MOMENTS_PER_VIDEO = 20;
