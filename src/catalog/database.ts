import type { Prisma, PrismaClient } from "./generated/client.js";

/** A value of one statement: dates are written as Prisma writes them, everything else as it is. */
export type SqlValue = string | number | boolean | null | Date | Uint8Array;

/** A row of a statement: column names as they stand in the statement. */
export type SqlRow = Record<string, unknown>;

/** A write transaction. Everything done through it is committed together or not at all. */
export interface CatalogTransaction {
  /** Prisma's client, bound to the transaction. */
  prisma: Prisma.TransactionClient;
  /**
   * Runs one SQL statement in the transaction; gives the rows it returns. Its values stand as "?" in the SQL, names in
   * double quotes mean the same to every database.
   */
  execute(sql: string, args: readonly SqlValue[]): Promise<SqlRow[]>;
}

/** How a transaction stands to others that run at the same time; see {@link Database.transaction}. */
export interface TransactionKind {
  /**
   * SERIAL: as if all such transactions ran one after the other. LOCKING: the work locks by itself what it relies on;
   * for what many processes do all the time, where a serial one would be repeated too often.
   * @default "SERIAL"
   */
  isolation?: "SERIAL" | "LOCKING";
}

/**
 * The database of a catalog. The repositories are written against this; what one database does in its own way is behind
 * {@link Dialect}.
 */
export interface Database {
  /** For reads outside transactions. Never write through it. */
  readonly reader: PrismaClient;
  /** For single writes. */
  readonly writer: PrismaClient;
  readonly dialect: Dialect;
  /** How workers are told of ingest jobs. */
  readonly messages: JobMessages;

  /**
   * Runs `work` in one write transaction; what it throws rolls everything back. Where others got in the way, `work` is run
   * again, from the start, in a new transaction: it must have no effects but those of the transaction.
   */
  transaction<T>(work: (tx: CatalogTransaction) => Promise<T>, kind?: TransactionKind): Promise<T>;

  /** Reads by one SQL statement, for what is too large for Prisma's conversions. "?" stands for each value. */
  query(sql: string, args?: readonly SqlValue[]): Promise<SqlRow[]>;

  /**
   * What time it is for all processes of this database: the clock of the next attempts of jobs, and of the leases of writes
   * to a vector engine.
   */
  now(): Promise<Date>;

  /** Waits for running statements, then closes all connections. */
  close(): Promise<void>;
}

/** What each database does in its own way. */
export interface Dialect {
  /**
   * Adds many rows to a table by few statements, where Prisma's conversions would cost many times as much as the writing.
   * All rows have the same columns. Values: text, numbers, booleans, null, bytes, and objects for columns of JSON.
   */
  insertRows(tx: CatalogTransaction, table: string, rows: readonly Record<string, unknown>[]): Promise<void>;

  /** Added to `SELECT ... FROM "T" t ...`: locks the rows of those tables, passing over rows that others have locked. */
  lockFree(...tables: string[]): string;

  /**
   * Held until the end of the transaction: of those with the same name, one runs at a time, and each sees what the one
   * before has written.
   */
  lockName(tx: CatalogTransaction, name: string): Promise<void>;

  /** A condition for videos of the tenant whose title holds a text, whatever the case of its letters A to Z. */
  titleContains(database: Database, tenant: string, text: string): Promise<Prisma.VideoWhereInput>;

  /** A condition for videos of the tenant whose metadata have the value at that place; keys are those of objects, from the top. */
  metadataEquals(
    database: Database,
    tenant: string,
    keys: readonly string[],
    value: string | number | boolean,
  ): Promise<Prisma.VideoWhereInput>;
}

/** Text from a column that is never null. */
export function textOf(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`The database holds no text in the column "${column}".`);
  return value;
}

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
  externalId: string | null;
  attempts: number;
  /** Code of the failure, e.g. JOB_CRASHED. */
  code: string;
}

/**
 * How workers are told that ingest jobs are due. The rows say which job is taken; a message only says that one waits. All
 * but those that read dead letters belong to the transaction that they are given.
 */
export interface JobMessages {
  /** Whether there are messages at all: a database of one machine has none, its processes look at the rows. */
  readonly used: boolean;
  /** Tells that jobs wait. A job that waits already, told of before, is not told of twice. */
  announce(tx: CatalogTransaction, jobs: readonly WaitingJob[]): Promise<void>;
  /** Takes one message that is due. False when there is none. It is there again when the transaction is rolled back. */
  take(tx: CatalogTransaction): Promise<boolean>;
  /** Puts a job that was given up among the dead letters. */
  bury(tx: CatalogTransaction, letter: DeadLetter): Promise<void>;
  /** Removes jobs from the dead letters, to be tried again or forgotten. */
  unbury(tx: CatalogTransaction, jobIds: readonly string[]): Promise<void>;
  /** Removes all jobs of a video from the dead letters, also those of an earlier video with its external id. */
  unburyVideo(tx: CatalogTransaction, video: Pick<DeadLetter, "tenant" | "videoId" | "externalId">): Promise<void>;
  /** The oldest dead letters, at most `limit`. */
  deadLetters(limit: number): Promise<DeadLetter[]>;
  /** Number of the jobs that were given up and not retried. */
  countDeadLetters(): Promise<number>;
}
