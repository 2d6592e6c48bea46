import type { Catalog } from "../catalog/index.js";
import type { EvaluationService } from "../evaluation/index.js";
import type { IndexService, LiveIndex } from "../indexes/index.js";
import type { IndexReconciler, IngestService, ReindexService } from "../ingest/index.js";
import type { SearchService } from "../search/index.js";
import type { VectorIndex } from "../vectors/index.js";
import type { ViewerOf } from "./viewer.js";

/** What the resolvers work with. */
export interface GraphQLServices {
  catalog: Catalog;
  vectors: VectorIndex;
  ingest: IngestService;
  reconciler: IndexReconciler;
  reindex: ReindexService;
  indexes: IndexService;
  search: SearchService;
  evaluation: EvaluationService;
  /** How often a subscription looks for changes that other processes made, in seconds. */
  pollSeconds: number;
  /** The index in use, with its pack. */
  live: LiveIndex;
  /** Finds the caller of an operation. */
  viewerOf: ViewerOf;
}
