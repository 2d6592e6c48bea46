export { IndexService, type IndexServiceParts, type IndexStatus } from "./index-service.js";
export { LiveIndex, type LiveIndexParts } from "./live-index.js";
