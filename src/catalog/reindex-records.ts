/** Where a re-index stands. RUNNING, PAUSED and READY go on; the others are final. */
export type ReindexState = "RUNNING" | "PAUSED" | "READY" | "COMPLETED" | "CANCELLED" | "FAILED";

/** The work of building another index beside the one in use, and of changing over to it. */
export interface ReindexRecord {
  id: string;
  /** The index that is built: id of its model pack. */
  indexId: string;
  /** The index that was in use when it began. */
  fromIndexId: string | null;
  state: ReindexState;
  /** Whether searches change over by themselves as soon as every video is in. */
  swapAutomatically: boolean;
  /** Why it waits though everything that can be done is done, or how it failed. */
  errorCode: string | null;
  errorMessage: string | null;
  requestId: string | null;
  createdAt: Date;
  finishedAt: Date | null;
}

/** How far an index has come that is being built, over all tenants. */
export interface ReindexProgress {
  /** Indexed videos of the library. */
  total: number;
  /** Those that are in the new index as they are in the library. */
  done: number;
  /** Those that could not be put there, and are not tried again by themselves. */
  failed: number;
}

/** A video that a re-index could not put into its index. */
export interface ReindexFailure {
  tenant: string;
  videoId: string;
  externalId: string | null;
  /** File name of the source. */
  sourceName: string;
  code: string;
  message: string;
}

/** What a round of feeding a re-index with jobs came to. */
export interface ReindexRound {
  /** Jobs that were queued. */
  queued: number;
  /** Videos that are not in the new index yet; null while jobs wait or run. */
  left: number | null;
  /** Those of them that failed. */
  failed: number;
}
