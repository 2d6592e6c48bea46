import { resolveOptions, type Logger, type ResolvedOptions } from "../config/index.js";
import { EarshotError } from "../errors.js";
import { endsWithin } from "../timing/index.js";
import type { CatalogTransaction, Database } from "./database.js";
import { EvaluationRankRepository } from "./evaluation-ranks.js";
import { EvaluationRepository } from "./evaluations.js";
import { toCatalogError } from "./failures.js";
import { IndexedVideoRepository } from "./indexed-videos.js";
import { IngestJobRepository } from "./ingest-jobs.js";
import { LiveIndexRepository } from "./live-index.js";
import { describePostgresql, openPostgresql } from "./postgresql/open.js";
import { ReindexRepository } from "./reindexes.js";
import { SegmentRepository } from "./segments.js";
import { openSqlite } from "./sqlite/open.js";
import { VectorWriteRepository } from "./vector-writes.js";
import { VectorRepository } from "./vectors.js";
import { VideoRepository } from "./videos.js";

/** Longest time for which a look at the health of the database waits, in milliseconds. */
const HEALTH_LIMIT_MS = 3000;

/** Videos, segments, vectors, jobs and evaluations, in one database. */
export class Catalog {
  readonly videos: VideoRepository;
  readonly segments: SegmentRepository;
  readonly indexedVideos: IndexedVideoRepository;
  readonly vectors: VectorRepository;
  readonly vectorWrites: VectorWriteRepository;
  readonly jobs: IngestJobRepository;
  readonly evaluations: EvaluationRepository;
  readonly evaluationRanks: EvaluationRankRepository;
  readonly liveIndex: LiveIndexRepository;
  readonly reindexes: ReindexRepository;

  constructor(private readonly database: Database) {
    this.videos = new VideoRepository(database);
    this.indexedVideos = new IndexedVideoRepository(database);
    this.segments = new SegmentRepository(database, this.indexedVideos);
    this.vectors = new VectorRepository(database);
    this.vectorWrites = new VectorWriteRepository(database);
    this.jobs = new IngestJobRepository(database);
    this.evaluations = new EvaluationRepository(database);
    this.evaluationRanks = new EvaluationRankRepository(database);
    this.liveIndex = new LiveIndexRepository(database);
    this.reindexes = new ReindexRepository(database);
  }

  /**
   * Runs `work` in one write transaction, as if it were alone with the database. When it throws, everything is rolled back
   * and the error passed on. Do nothing slow inside: on SQLite transactions wait for each other.
   *
   * On PostgreSQL several run at the same time, and one that others got in the way of is run again, from the start. So
   * `work` must have no effects but those through `tx`, and what it counts or collects it must begin anew each time.
   *
   * @throws CatalogBusyError, CatalogDisconnectedError, CatalogWriteError, and whatever `work` throws
   */
  async transaction<T>(work: (tx: CatalogTransaction) => Promise<T>): Promise<T> {
    try {
      return await this.database.transaction(work);
    } catch (error) {
      throw toCatalogError(error);
    }
  }

  /** Whether the database answers. */
  async health(): Promise<{ ok: boolean; message?: string }> {
    try {
      if (await endsWithin(this.database.query("SELECT 1"), HEALTH_LIMIT_MS)) return { ok: true };
      return { ok: false, message: "The database does not answer in time." };
    } catch (error) {
      const failure = toCatalogError(error);
      // What an unknown failure says may name hosts or paths, and clients read this.
      const reason = failure instanceof EarshotError ? `: ${failure.message}` : ".";
      return { ok: false, message: `The database does not answer${reason}` };
    }
  }

  /** What time it is for all processes of this database. Leases and other deadlines are compared with it. */
  now(): Promise<Date> {
    return this.database.now();
  }

  /** Closes the database; nothing may be called afterwards. */
  close(): Promise<void> {
    return this.database.close();
  }
}

/**
 * Opens the catalog: makes its folder and file when they are missing, and brings the schema up to date. A PostgreSQL
 * database has to be there, and may be opened by any number of processes at once.
 *
 * @throws CatalogUnavailableError, CatalogSchemaError
 */
export async function openCatalog(
  options: Pick<ResolvedOptions, "databaseUrl"> & Partial<Pick<ResolvedOptions, "database">>,
  logger: Logger,
): Promise<Catalog> {
  const { databaseUrl: url, database = resolveOptions().database } = options;
  return new Catalog(await (url.startsWith("file:") ? openSqlite(url, logger) : openPostgresql(url, database, logger)));
}

/** Where the database is, for an operator's eyes: the path of a file, or an address without its password. */
export function describeDatabase(url: string): string {
  return url.startsWith("file:") ? url.slice("file:".length) : describePostgresql(url);
}
