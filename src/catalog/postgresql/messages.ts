import type pg from "pg";
import PgBoss from "pg-boss";
import type { Logger } from "../../config/index.js";
import type { CatalogTransaction, DeadLetter, JobMessages, WaitingJob } from "../database.js";

/** The queue of messages that tell of ingest jobs. One message waits for each job at most: that is the policy "short". */
const INGEST = "earshot_ingest";

/** Where given-up jobs are kept until someone retries or removes them. */
const DEAD = "earshot_ingest_dead";

/** pg-boss's tables, made if need be, in a schema of their own beside the catalog's. */
export async function openMessages(pool: pg.Pool, catalogSchema: string, logger: Logger): Promise<JobMessages> {
  const schema =
    catalogSchema === "public" ? "earshot_queue" : `${catalogSchema.replace(/\W/g, "_").slice(0, 44)}_queue`;
  const executeSql = (text: string, values?: unknown[]) => pool.query(text, values);
  // Messages are removed as they are taken, in one transaction with the row: nothing expires, nothing has to be archived,
  // and no timer runs.
  const boss = new PgBoss({ db: { executeSql }, schema, supervise: false, schedule: false });
  boss.on("error", (error) => {
    logger.error({ err: error }, "pg-boss failed");
  });
  await boss.start();
  // A queue that is there is left as it is. Each by itself: a process may have ended after it made the first.
  for (const name of [INGEST, DEAD]) await boss.createQueue(name, { name, policy: "short", retryLimit: 0 });
  return new PgBossMessages(boss, pool, schema);
}

type BuriedVideo = Pick<DeadLetter, "tenant" | "videoId" | "externalId">;

class PgBossMessages implements JobMessages {
  readonly used = true;

  constructor(
    private readonly boss: PgBoss,
    private readonly pool: pg.Pool,
    private readonly schema: string,
  ) {}

  async announce(tx: CatalogTransaction, jobs: readonly WaitingJob[]): Promise<void> {
    for (const { id, priority, nextAttemptAt } of jobs) {
      await this.boss.send(
        INGEST,
        { jobId: id },
        {
          db: inside(tx),
          singletonKey: id,
          priority,
          ...(nextAttemptAt === null ? {} : { startAfter: nextAttemptAt }),
        },
      );
    }
  }

  async take(tx: CatalogTransaction): Promise<boolean> {
    const db = inside(tx);
    const [message] = await this.boss.fetch(INGEST, { db, batchSize: 1 });
    // pg-boss takes every failure of a fetch for an empty queue.
    if (db.failure !== undefined) throw db.failure;
    if (message === undefined) return false;
    await this.boss.deleteJob(INGEST, message.id, { db });
    return true;
  }

  async bury(tx: CatalogTransaction, letter: DeadLetter): Promise<void> {
    await this.boss.send(DEAD, letter, { db: inside(tx), singletonKey: letter.jobId });
  }

  async unbury(tx: CatalogTransaction, jobIds: readonly string[]): Promise<void> {
    await tx.execute(
      `DELETE FROM "${this.schema}".job
       WHERE name = ? AND singleton_key IN (SELECT jsonb_array_elements_text(?::jsonb))`,
      [DEAD, JSON.stringify(jobIds)],
    );
  }

  async unburyVideo(tx: CatalogTransaction, { tenant, videoId, externalId }: BuriedVideo): Promise<void> {
    await tx.execute(
      `DELETE FROM "${this.schema}".job WHERE name = ? AND data->>'tenant' = ?
       AND (data->>'videoId' = ?::text OR data->>'externalId' = ?::text)`,
      [DEAD, tenant, videoId, externalId],
    );
  }

  async deadLetters(limit: number): Promise<DeadLetter[]> {
    const { rows } = await this.pool.query<{ data: DeadLetter }>(
      `SELECT data FROM "${this.schema}".job WHERE name = $1 ORDER BY created_on LIMIT $2`,
      [DEAD, limit],
    );
    return rows.map(({ data }) => data);
  }

  countDeadLetters(): Promise<number> {
    return this.boss.getQueueSize(DEAD);
  }
}

/** Runs pg-boss's statements in a transaction of the catalog, and keeps what went wrong. */
function inside(tx: CatalogTransaction) {
  const db = {
    failure: undefined as Error | undefined,
    async executeSql(text: string, values: unknown[] = []) {
      try {
        return { rows: await tx.prisma.$queryRawUnsafe<unknown[]>(text, ...values.map(asParameter)) };
      } catch (error) {
        db.failure = error instanceof Error ? error : new Error(String(error));
        throw error;
      }
    },
  };
  return db;
}

/** Objects are pg-boss's JSON, which Prisma would write as something else. */
function asParameter(value: unknown): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? JSON.stringify(value) : value;
}
