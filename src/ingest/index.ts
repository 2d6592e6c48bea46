export type { IngestEvents, JobUpdate } from "./events.js";
export { IndexReconciler, type Reconciliation } from "./reconcile.js";
export { ReindexService, type ReindexInput } from "./reindex-service.js";
export { createIngestService, IngestService, type VideoKey } from "./service.js";
export { mediaFileInRoots, type SourceInput } from "./sources.js";
export type { IngestInput } from "./submission.js";
