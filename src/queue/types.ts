/** What a queue works on, and with: ingest jobs and evaluations alike. */
import type { ClaimOptions, IngestJobState, JobFailure, JobLease } from "../catalog/index.js";
import type { Logger } from "../config/index.js";
import type { EarshotError } from "../errors.js";
import type { ErrorKind, Pause } from "./outage.js";
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
  /** The time by the clock that the rows go by: the same for all machines. */
  now(): Promise<Date>;
  claim(lease: JobLease, now: Date, options: ClaimOptions): Promise<Job | null>;
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
  /** Seconds without any progress after which a job is ended. @default unlimited */
  stallSeconds?: number;
}

/** How a queue stands. */
export interface QueueStatus {
  /** Jobs that are being worked on. */
  running: number;
  /** What is away, so that no jobs are taken; null while nothing is. */
  paused: Pause | null;
  /** Jobs that were told to end and do not. No more are taken: only another process can help. */
  stuck: readonly string[];
  /** Whether there is no room for another job beside those that run. */
  full: boolean;
}

/** How a queue ends. */
export interface StopOptions {
  /** Seconds for which jobs that run may go on; those left are given back. @default 0 */
  finishSeconds?: number;
  /** Aborted when they are to be given back at once. */
  hurry?: AbortSignal;
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
  /** Failures that are never a job's fault though `check` cannot foresee them, beside those that are outages by themselves. */
  outages?: readonly ErrorKind[];
  /**
   * Asked while the queue pauses, before it tries again, and after a job met an outage. Throws what is away.
   * @default nothing is asked, and every outage is taken for one
   */
  check?: () => Promise<void>;
  /** Which jobs this process leaves to others; asked at each claim. @default none */
  leaves?: () => Pick<ClaimOptions, "withoutReindex">;
  /** Whether there is room for another job beside those that run; not asked for the first one. */
  hasRoom?: () => boolean;
  /** Called when a job does not end though it was told to. */
  onStuck?: () => void;
  /** Called at every change of a job that this queue works on. */
  onUpdate: (job: Job, change: JobChange<Stage>) => void;
}
