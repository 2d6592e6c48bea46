import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Logger, ResolvedOptions } from "../config/index.js";
import { CatalogUnavailableError, EarshotError } from "../errors.js";
import { Database, type CatalogTransaction } from "./database.js";
import { EvaluationRankRepository } from "./evaluation-ranks.js";
import { EvaluationRepository } from "./evaluations.js";
import { toCatalogError } from "./failures.js";
import { IndexedVideoRepository } from "./indexed-videos.js";
import { IngestJobRepository } from "./ingest-jobs.js";
import { LiveIndexRepository } from "./live-index.js";
import { migrate } from "./migrator.js";
import { SegmentRepository } from "./segments.js";
import { VectorWriteRepository } from "./vector-writes.js";
import { VectorRepository } from "./vectors.js";
import { VideoRepository } from "./videos.js";

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
  }

  /**
   * Runs `work` in one write transaction. When it throws, everything is rolled back and the error passed on.
   * Transactions of one process wait for each other; do nothing slow inside.
   *
   * @throws CatalogBusyError, CatalogWriteError, and whatever `work` throws
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
      await this.database.rawReader.execute("SELECT 1");
      return { ok: true };
    } catch (error) {
      return { ok: false, message: `The database does not answer: ${(error as Error).message}` };
    }
  }

  /** Closes the database; nothing may be called afterwards. */
  close(): Promise<void> {
    return this.database.close();
  }
}

/**
 * Opens the catalog: makes its folder and file when they are missing, and brings the schema up to date.
 *
 * @throws CatalogUnavailableError, CatalogSchemaError
 */
export async function openCatalog(options: Pick<ResolvedOptions, "databaseUrl">, logger: Logger): Promise<Catalog> {
  const file = options.databaseUrl.slice("file:".length);
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await migrate(options.databaseUrl, logger);
    return new Catalog(await Database.open(options.databaseUrl));
  } catch (error) {
    if (error instanceof EarshotError) throw error;
    throw new CatalogUnavailableError(
      "The database cannot be opened. Check that its folder exists and can be written, and that the file is an Earshot database.",
      { detail: `${file}: ${String(error)}`, cause: error },
    );
  }
}
