import { fileURLToPath } from "node:url";
import type { Client } from "pg";
import type { Logger } from "../../config/index.js";
import { newId } from "../ids.js";
import { migrate, type AppliedMigration, type Migration } from "../migrator.js";

/** The migrations that ship with the package. */
const shippedMigrations = fileURLToPath(new URL("../../../prisma/postgresql/migrations", import.meta.url));

/** As Prisma's own engine makes it. */
const bookkeeping = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id"                    VARCHAR(36) PRIMARY KEY NOT NULL,
    "checksum"              VARCHAR(64) NOT NULL,
    "finished_at"           TIMESTAMPTZ,
    "migration_name"        VARCHAR(255) NOT NULL,
    "logs"                  TEXT,
    "rolled_back_at"        TIMESTAMPTZ,
    "started_at"            TIMESTAMPTZ NOT NULL DEFAULT now(),
    "applied_steps_count"   INTEGER NOT NULL DEFAULT 0
)`;

/** The advisory lock of `prisma migrate deploy`: this migrator waits for that one, and the other way round. */
const MIGRATION_LOCK = 72707369;

/**
 * Brings a PostgreSQL database up to date. A database that is up to date is only read, so that its everyday user needs no
 * right to change the schema.
 *
 * @param client connected
 * @throws CatalogSchemaError, and what the server throws
 */
export async function migratePostgresql(
  client: Client,
  logger: Logger,
  folder: string = shippedMigrations,
): Promise<void> {
  const database = {
    readApplied: () => readApplied(client),
    apply: (migration: Migration) => apply(client, migration),
  };
  await migrate(database, folder, logger);
}

async function readApplied(client: Client): Promise<AppliedMigration[]> {
  const { rows: books } = await client.query<{ there: boolean }>(
    `SELECT to_regclass('"_prisma_migrations"') IS NOT NULL AS there`,
  );
  if (books[0]?.there !== true) return [];
  const { rows } = await client.query<AppliedMigration>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS "isFinished"
     FROM "_prisma_migrations" WHERE rolled_back_at IS NULL`,
  );
  return rows;
}

/** The driver's longest time-out, in milliseconds: 24 days. It takes 0 for none given. */
const NO_TIMEOUT = 2 ** 31 - 1;

/** Under no time-out: to build an index of a large table, or to wait for another process that does, takes its time. */
async function apply(client: Client, { name, sql, checksum }: Migration): Promise<void> {
  const run = (text: string, values?: unknown[]) => {
    // The driver knows more settings of a statement than its types do.
    const statement = { text, query_timeout: NO_TIMEOUT, ...(values === undefined ? {} : { values }) };
    return client.query(statement);
  };
  await run("BEGIN");
  try {
    await run("SET LOCAL statement_timeout = 0");
    await run("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    await run(bookkeeping);
    if (!(await readApplied(client)).some((migration) => migration.name === name && migration.checksum === checksum)) {
      await run(sql);
      await run(
        `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at, applied_steps_count)
         VALUES ($1, $2, $3, clock_timestamp(), 1)`,
        [newId(), checksum, name],
      );
    }
    await run("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}
