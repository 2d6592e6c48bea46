export { createSearchService, type SearchService, type SearchServiceParts } from "./service.js";
export {
  MAX_FIRST,
  MAX_MOMENTS_PER_VIDEO,
  type Moment,
  type SearchNotice,
  type SearchNoticeCode,
  type SearchPage,
  type SearchRequest,
  type VideoSearchHit,
} from "./types.js";
