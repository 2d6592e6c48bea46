export { createIndex, dropIndex, type DropParts } from "./drop.js";
export { IndexService, type IndexServiceParts, type IndexStatus } from "./index-service.js";
export { LiveIndex, type LiveIndexParts } from "./live-index.js";
export { VectorUpkeep, type UpkeepParts, type UpkeepTimes } from "./upkeep.js";
