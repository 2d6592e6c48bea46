/** What the catalog stores, as the rest of Earshot sees it. Dates are UTC; times inside media are seconds. */

/** PENDING: never indexed yet, no search finds it. INDEXED: its segments can be found. */
export type VideoState = "PENDING" | "INDEXED";

/** Where a job stands. The last three are final. */
export type IngestJobState = "PENDING" | "RUNNING" | "COMPLETED" | "FAILED" | "CANCELLED";

/** What a job is doing; QUEUED until a worker takes it. */
export type IngestStage = "QUEUED" | "PROBING" | "ENCODING" | "COMMITTING";

/** How soon a job is taken; see {@link ingestPriorities}. */
export type IngestPriority = "LOW" | "NORMAL" | "HIGH";

/** The priorities as rows have them. Jobs of a re-index may stand below all of them. */
export const ingestPriorities: Readonly<Record<IngestPriority, number>> = { LOW: -10, NORMAL: 0, HIGH: 10 };

/** Where media come from. Holds server paths: never to be sent to a client. */
export interface MediaSource {
  kind: "path";
  /** Absolute path, symbolic links resolved. */
  path: string;
}

/** Free-form facts about a video, as the platform gave them. */
export type VideoMetadata = Record<string, unknown>;

/** A video of the library. */
export interface VideoRecord {
  id: string;
  tenant: string;
  /** The platform's own id; unique within the tenant. */
  externalId: string | null;
  title: string | null;
  metadata: VideoMetadata | null;
  /** File name of the source, without its folders. */
  sourceName: string;
  source: MediaSource;
  /** Seconds of the longest stream that was indexed, on the timeline of the file; null until the video was indexed. */
  durationSeconds: number | null;
  state: VideoState;
  createdAt: Date;
  updatedAt: Date;
  indexedAt: Date | null;
}

/** A time window of a video which is in an index. */
export interface SegmentRecord {
  id: string;
  videoId: string;
  /** Position among the windows of the video; silent ones leave gaps. */
  ordinal: number;
  startSeconds: number;
  endSeconds: number;
  /** Bit e is set when expert e of the pack heard or saw something in this segment. */
  pattern: number;
}

/** What one index holds of one video. */
export interface IndexedVideoContents {
  indexId: string;
  videoId: string;
  tenant: string;
  /** Id of the write that put the segments there. Vectors of other generations do not count. */
  generation: string;
  segmentCount: number;
  /** `indexedAt` of the video as the media were that the segments come from. */
  mediaVersion: Date;
}

/**
 * STAGED: points are being written, nothing refers to them yet. ABANDONED: they are to be removed. REPLACED: committed;
 * points of other generations of the video are to be removed. DELETED: all points of the video are to be removed. DROPPED: the
 * index is to be removed.
 */
export type VectorWriteState = "STAGED" | "ABANDONED" | "REPLACED" | "DELETED" | "DROPPED";

/** Something that is still to be done in a vector engine outside the database. */
export type VectorWriteRecord =
  | {
      /** The generation of the points that are written; for DELETED an id of its own. */
      id: string;
      indexId: string;
      tenant: string;
      videoId: string;
      state: Exclude<VectorWriteState, "DROPPED">;
    }
  | { id: string; indexId: string; state: "DROPPED" };

/** What a job was asked to do. */
export interface IngestOrder {
  source: MediaSource;
  title: string | null;
  metadata: VideoMetadata | null;
  /** W3C trace context of the request that submitted it, when that is traced. */
  traceparent?: string;
}

/** The work of making one video searchable. */
export interface IngestJobRecord {
  id: string;
  tenant: string;
  /** Null once the video is gone. */
  videoId: string | null;
  externalId: string | null;
  order: IngestOrder;
  state: IngestJobState;
  stage: IngestStage;
  /** 0..1; null while the length of the media is unknown. */
  progress: number | null;
  /** Attempts begun. */
  attempts: number;
  maxAttempts: number;
  /** When the next attempt is due; null for the first, and when there is none. */
  nextAttemptAt: Date | null;
  /** Code and message of the last failure. */
  errorCode: string | null;
  errorMessage: string | null;
  /** Jobs of a higher one are taken first. */
  priority: number;
  /** The re-index whose index the job fills; null for a job that fills the index in use. */
  reindexId: string | null;
  requestId: string | null;
  /** Process that runs the job; see worker-identity.ts in queue. */
  workerId: string | null;
  leaseExpiresAt: Date | null;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

/** Which videos to look at; every field given has to hold. An empty list lets none through. */
export interface VideoFilter {
  ids?: readonly string[];
  externalIds?: readonly string[];
  /** Submitted at this time or later. */
  createdAfter?: Date;
  /** Submitted before this time. */
  createdBefore?: Date;
  /** Part of the title, whatever the case of its letters A to Z. */
  titleContains?: string;
  /** Values at places in the metadata: `path` holds the keys from the top down. */
  metadata?: readonly { path: readonly string[]; equals: unknown }[];
}

/** Which jobs to look at. */
export interface IngestJobFilter {
  state?: IngestJobState;
  videoId?: string;
}

/** A place in a list ordered by age: newest first, then by id descending. */
export interface AgePosition {
  createdAt: Date;
  id: string;
}

/** One row of the local vector index. */
export interface SegmentVectorRecord {
  segmentId: string;
  videoId: string;
  tenant: string;
  /** Position of the segment among the windows of its video. */
  ordinal: number;
  pattern: number;
  /** The flat vector. */
  vector: Float32Array;
}

/** A vector index that exists. */
export interface VectorIndexRecord {
  /** Id of the model pack, "name@version". */
  id: string;
  /** Length of the flat vectors. */
  dimension: number;
}
