import { setTimeout as delay } from "node:timers/promises";
import { PrismaPg } from "@prisma/adapter-pg";
import type pg from "pg";
import type { Logger } from "../../config/index.js";
import type { CatalogTransaction, Database, JobMessages, SqlRow, SqlValue, TransactionKind } from "../database.js";
import type { PrismaClient } from "../generated/client.js";
import { createPool, type ConnectionOptions } from "./connection.js";
import { postgresqlDialect } from "./dialect.js";
import { isConflict, isDuplicate } from "./failures.js";
import { openMessages } from "./messages.js";

/** Longest time a transaction may wait for a connection, and may take. */
const transactionLimits = { maxWait: 120_000, timeout: 600_000 };

/** How often a transaction is begun again, others having been in its way, before that is an error. */
const MAX_ATTEMPTS = 20;

/** Longest wait before it is begun again, in milliseconds. */
const MAX_WAIT = 500;

/** The connections of one process to a PostgreSQL database, a few at a time. */
export class PostgresqlDatabase implements Database {
  readonly dialect = postgresqlDialect;
  readonly writer: PrismaClient;
  /** Transactions that may begin now; one connection is always left for reads inside transactions. */
  private free: number;
  private readonly waiting: (() => void)[] = [];

  private constructor(
    readonly reader: PrismaClient,
    readonly messages: JobMessages,
    private readonly pool: pg.Pool,
    poolSize: number,
  ) {
    this.writer = reader;
    this.free = poolSize - 1;
  }

  /** Opens a migrated database. */
  static async open(url: string, options: ConnectionOptions, logger: Logger): Promise<PostgresqlDatabase> {
    const pool = createPool(url, options, logger);
    try {
      const { rows } = await pool.query<{ schema: string }>("SELECT current_schema() AS schema");
      const { PrismaClient: Client } = await import("../generated-postgresql/client.js");
      const schema = rows[0]?.schema ?? "public";
      const messages = await openMessages(pool, schema, logger);
      const adapter = new PrismaPg(pool, { schema });
      const client = new Client({ adapter, transactionOptions: transactionLimits });
      // Made from the same models: what differs is hidden by the dialects.
      return new PostgresqlDatabase(client as unknown as PrismaClient, messages, pool, options.poolSize);
    } catch (error) {
      await pool.end();
      throw error;
    }
  }

  async transaction<T>(work: (tx: CatalogTransaction) => Promise<T>, kind: TransactionKind = {}): Promise<T> {
    const options = kind.isolation === "LOCKING" ? {} : { isolationLevel: "Serializable" as const };
    await this.enter();
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.writer.$transaction((prisma) => work({ prisma, execute: executorOf(prisma) }), options);
        } catch (error) {
          if (!mayPass(error, attempt)) throw error;
          await delay(Math.min(2 ** attempt, MAX_WAIT) * (0.5 + Math.random()));
        }
      }
    } finally {
      this.leave();
    }
  }

  async query(sql: string, args: readonly SqlValue[] = []): Promise<SqlRow[]> {
    const { rows } = await this.pool.query<SqlRow>(
      numbered(sql),
      args.map((value) => (value instanceof Date ? value.toISOString() : value)),
    );
    return rows;
  }

  /** The server's clock: those of the machines may differ, or jump. */
  async now(): Promise<Date> {
    const [row] = await this.query("SELECT clock_timestamp() AS now");
    return row?.["now"] as Date;
  }

  async close(): Promise<void> {
    await this.reader.$disconnect();
    await this.pool.end();
  }

  private async enter(): Promise<void> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free += 1;
    else next();
  }
}

/** Whether a transaction that failed may succeed when it is begun again. */
function mayPass(error: unknown, attempt: number): boolean {
  // What is a duplicate the second time was no coincidence the first time.
  return isConflict(error) ? attempt < MAX_ATTEMPTS : isDuplicate(error) && attempt === 1;
}

function executorOf(prisma: CatalogTransaction["prisma"]): CatalogTransaction["execute"] {
  return async (sql, args) => {
    const rows = await prisma.$queryRawUnsafe<SqlRow[]>(numbered(sql), ...args);
    for (const row of rows) {
      for (const [column, value] of Object.entries(row)) if (typeof value === "bigint") row[column] = Number(value);
    }
    return rows;
  };
}

/** A statement with PostgreSQL's numbered places. */
function numbered(sql: string): string {
  let place = 0;
  return sql.replaceAll("?", () => `$${++place}`);
}
