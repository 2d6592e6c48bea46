export { Catalog, openCatalog } from "./catalog.js";
export type { CatalogTransaction } from "./database.js";
export { toCatalogError } from "./failures.js";
export { newId } from "./ids.js";
export type { IngestJobRepository } from "./ingest-jobs.js";
export type * from "./records.js";
export type { SegmentRepository } from "./segments.js";
export type { VectorRepository } from "./vectors.js";
export type { VideoRepository } from "./videos.js";
