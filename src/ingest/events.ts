import type { IngestJobRecord, IngestJobState, IngestStage } from "../catalog/index.js";

/** Something changed about a job. */
export interface JobUpdate {
  jobId: string;
  tenant: string;
  videoId: string | null;
  state: IngestJobState;
  stage: IngestStage;
  /** 0..1; null while the length of the media is unknown. */
  progress: number | null;
  /** Code of the failure, when one was just met. */
  errorCode: string | null;
}

/** Events of an ingest service. They cover the jobs that this process submits, works on or cancels. */
export interface IngestEvents {
  job: [JobUpdate];
  /** A job does not end though it was told to: this process takes no more, and should be started again. */
  stuck: [];
}

/** The update that tells how a job's row stands. */
export function updateOf(job: IngestJobRecord, changes: Partial<JobUpdate> = {}): JobUpdate {
  const { id, tenant, videoId, state, stage, progress, errorCode } = job;
  return { jobId: id, tenant, videoId, state, stage, progress, errorCode, ...changes };
}
