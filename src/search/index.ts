export { createMomentFinder, type MomentFinder } from "./moment-finder.js";
export { createSearchService, type SearchService, type SearchServiceParts } from "./service.js";
export type { Moment, SearchNotice, SearchNoticeCode, SearchPage, SearchRequest, VideoSearchHit } from "./types.js";
