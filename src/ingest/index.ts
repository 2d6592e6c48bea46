export type { IngestEvents, JobUpdate } from "./events.js";
export { createIngestService, IngestService, mediaFileInRoots, type VideoKey } from "./service.js";
export type { SourceInput } from "./sources.js";
export type { IngestInput } from "./submission.js";
