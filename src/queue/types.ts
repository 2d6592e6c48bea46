/** What a queue works on, and with: ingest jobs and evaluations alike. */
import type { IngestJobState, JobFailure, JobLease } from "../catalog/index.js";
import type { Logger } from "../config/index.js";
import type { EarshotError } from "../errors.js";
import type { WorkerIdentity } from "./worker-identity.js";

/** What a queue has to know of a job. */
export interface QueuedJob {
  id: string;
  tenant: string;
  externalId?: string | null;
  /** Attempts begun. */
  attempts: number;
  maxAttempts: number;
  requestId: string | null;
  workerId: string | null;
  leaseExpiresAt: Date | null;
}

/** What has changed about a job. */
export interface JobChange<Stage extends string> {
  state?: IngestJobState;
  /** Every kind of job waits as QUEUED, and ends with COMMITTING. */
  stage?: Stage | "QUEUED" | "COMMITTING";
  /** 0..1; null while it is unknown. */
  progress?: number | null;
  errorCode?: string | null;
}

/** The rows of the jobs, as the catalog's repositories have them. */
export interface JobRows<Job extends QueuedJob, Stage extends string> {
  claim(lease: JobLease, now: Date): Promise<Job | null>;
  running(): Promise<Job[]>;
  requeue(job: Job): Promise<boolean>;
  extendLease(id: string, lease: JobLease): Promise<boolean>;
  reportProgress(id: string, workerId: string, progress: { stage: Stage; progress: number | null }): Promise<boolean>;
  retryLater(id: string, workerId: string, failure: JobFailure, at: Date): Promise<boolean>;
  giveBack(id: string, workerId: string): Promise<boolean>;
}

/** How a queue works. */
export interface QueueOptions {
  /** Jobs that are worked on at the same time. */
  concurrency: number;
  /** Seconds after which a job whose worker was not heard of is taken up by another. */
  leaseSeconds: number;
  /** Seconds between two looks for jobs that other processes submitted. */
  pollSeconds: number;
  /** Seconds before the second attempt; doubled with each further one. */
  retryDelaySeconds: number;
  maxRetryDelaySeconds: number;
}

/** What a queue works with. */
export interface QueueParts<Job extends QueuedJob, Stage extends string> {
  /** What its jobs are called in the log, e.g. "ingest job". */
  name: string;
  rows: JobRows<Job, Stage>;
  options: QueueOptions;
  logger: Logger;
  worker: WorkerIdentity;
  /** Does the work of a job. It has committed everything, the job's row included, when it resolves. */
  work: (
    job: Job,
    workerId: string,
    onProgress: (stage: Stage, progress: number | null) => void,
    signal: AbortSignal,
  ) => Promise<void>;
  /** Ends a job as failed, if it still is the worker's. */
  giveUp: (job: Job, workerId: string, failure: EarshotError) => Promise<unknown>;
  /** The failure of a job whose process ended at each attempt. */
  crashed: () => EarshotError;
  /** The failure of a job which threw something that nobody foresaw. */
  unforeseen: (cause: unknown) => EarshotError;
  /** Called at every change of a job that this queue works on. */
  onUpdate: (job: Job, change: JobChange<Stage>) => void;
}
