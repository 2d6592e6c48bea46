/** How workers are told that ingest jobs are due. The rows say which job is taken; a message only says that one waits. */
import type { CatalogTransaction } from "./database.js";

/** A job that waits. */
export interface WaitingJob {
  id: string;
  priority: number;
  /** From when on it is due; null for at once. */
  nextAttemptAt: Date | null;
}

/** What is kept of a job that was given up though another attempt, elsewhere or later, might succeed. */
export interface DeadLetter {
  jobId: string;
  tenant: string;
  videoId: string | null;
  attempts: number;
  /** Code of the failure, e.g. JOB_CRASHED. */
  code: string;
}

/** The messages of one database. All but {@link JobMessages.deadLetters} belong to the transaction that they are given. */
export interface JobMessages {
  /** Whether there are messages at all: a database of one machine has none, its processes look at the rows. */
  readonly used: boolean;
  /** Tells that jobs wait. A job that waits already, told of before, is not told of twice. */
  announce(tx: CatalogTransaction, jobs: readonly WaitingJob[]): Promise<void>;
  /** Takes one message that is due. False when there is none. It is there again when the transaction is rolled back. */
  take(tx: CatalogTransaction): Promise<boolean>;
  /** Puts a job that was given up among the dead letters. */
  bury(tx: CatalogTransaction, letter: DeadLetter): Promise<void>;
  /** Removes a job from the dead letters, to be tried again. */
  unbury(tx: CatalogTransaction, jobId: string): Promise<void>;
  /** The oldest dead letters, at most `limit`. */
  deadLetters(limit: number): Promise<DeadLetter[]>;
}

/** For a database of one machine: its processes look at the rows, and failed jobs are found there. */
export const noMessages: JobMessages = {
  used: false,
  announce: () => Promise.resolve(),
  take: () => Promise.resolve(true),
  bury: () => Promise.resolve(),
  unbury: () => Promise.resolve(),
  deadLetters: () => Promise.resolve([]),
};
