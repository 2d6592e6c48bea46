import { fileURLToPath } from "node:url";
import type { Client } from "@libsql/client";
import type { Logger } from "../../config/index.js";
import { textOf } from "../database.js";
import { migrate, type AppliedMigration, type Migration } from "../migrator.js";
import { connectSqlite } from "./connection.js";

/** The migrations that ship with the package. */
const shippedMigrations = fileURLToPath(new URL("../../../prisma/migrations", import.meta.url));

const bookkeeping = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id"                    TEXT PRIMARY KEY NOT NULL,
    "checksum"              TEXT NOT NULL,
    "finished_at"           DATETIME,
    "migration_name"        TEXT NOT NULL,
    "logs"                  TEXT,
    "rolled_back_at"        DATETIME,
    "started_at"            DATETIME NOT NULL DEFAULT current_timestamp,
    "applied_steps_count"   INTEGER UNSIGNED NOT NULL DEFAULT 0
)`;

/**
 * Brings an SQLite file up to date, which is made when it is missing.
 *
 * @param url `file:<path>`
 * @throws CatalogSchemaError
 */
export async function migrateSqlite(url: string, logger: Logger, folder: string = shippedMigrations): Promise<void> {
  const client = await connectSqlite(url);
  try {
    await client.execute(bookkeeping);
    const database = {
      readApplied: () => readApplied(client),
      apply: (migration: Migration) => apply(client, migration),
    };
    await migrate(database, folder, logger);
  } finally {
    client.close();
  }
}

async function readApplied(client: Client): Promise<AppliedMigration[]> {
  const { rows } = await client.execute(
    `SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL`,
  );
  return rows.map((row) => ({
    name: textOf(row, "migration_name"),
    checksum: textOf(row, "checksum"),
    isFinished: row["finished_at"] !== null,
  }));
}

async function apply(client: Client, { name, sql, checksum }: Migration): Promise<void> {
  const now = Date.now();
  // A migration may rebuild a table that others refer to, so references are checked at its end only. Its row comes
  // first, with the name as key: of two processes, the later one stops there.
  const script = `PRAGMA foreign_keys = OFF;
    BEGIN IMMEDIATE;
    INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
    VALUES (${quote(name)}, ${quote(checksum)}, ${quote(name)}, ${now}, ${now}, 1);
    ${sql}
    ;
    CREATE TEMP TABLE "references" (broken INTEGER CHECK (broken = 0));
    INSERT INTO "references" SELECT count(*) FROM pragma_foreign_key_check;
    DROP TABLE "references";
    COMMIT;
    PRAGMA foreign_keys = ON;`;
  try {
    await client.executeMultiple(script);
  } catch (error) {
    const applied = await readApplied(client);
    if (!applied.some((migration) => migration.name === name && migration.checksum === checksum)) throw error;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
