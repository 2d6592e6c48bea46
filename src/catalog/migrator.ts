import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Client } from "@libsql/client";
import type { Logger } from "../config/index.js";
import { CatalogSchemaError } from "../errors.js";
import { connectSqlite, textOf } from "./sqlite.js";

/** The migrations that ship with the package. */
const shippedMigrations = fileURLToPath(new URL("../../prisma/migrations", import.meta.url));

/** Prisma's own book-keeping table, so that `prisma migrate deploy` and this migrator can take turns. */
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

interface Migration {
  name: string;
  sql: string;
  /** SHA-256 of the SQL file, hexadecimal. */
  checksum: string;
}

/**
 * Brings a database up to date: applies the migrations that are missing, each in one transaction. Prisma's own
 * engine for this would have to be downloaded. Several processes may do this at once.
 *
 * @param folder holds one folder a migration, named so that their order is the alphabet's, each with a migration.sql
 * @throws CatalogSchemaError when the database knows a migration that is missing or different here
 */
export async function migrate(url: string, logger: Logger, folder: string = shippedMigrations): Promise<void> {
  const migrations = await readMigrations(folder);
  const client = await connectSqlite(url);
  try {
    await client.execute(bookkeeping);
    const applied = await readApplied(client);
    checkHistory(migrations, applied);
    for (const migration of migrations) {
      if (applied.has(migration.name)) continue;
      await apply(client, migration);
      logger.info({ migration: migration.name }, "database migrated");
    }
  } finally {
    client.close();
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(path.join(folder, name, "migration.sql"), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

/** Checksums of the applied migrations, by name. */
async function readApplied(client: Client): Promise<Map<string, string>> {
  const { rows } = await client.execute(
    `SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL`,
  );
  const unfinished = rows.find((row) => row["finished_at"] === null);
  if (unfinished !== undefined) {
    throw new CatalogSchemaError(
      `The migration "${textOf(unfinished, "migration_name")}" of the database failed half-way. Restore a backup, or mend it with "prisma migrate resolve".`,
    );
  }
  return new Map(rows.map((row) => [textOf(row, "migration_name"), textOf(row, "checksum")]));
}

function checkHistory(migrations: readonly Migration[], applied: ReadonlyMap<string, string>): void {
  const known = new Map(migrations.map(({ name, checksum }) => [name, checksum]));
  for (const [name, checksum] of applied) {
    if (!known.has(name)) {
      throw new CatalogSchemaError(
        `The database was written by a newer version of Earshot (migration "${name}" is unknown here). Update Earshot, or choose another data directory.`,
      );
    }
    if (known.get(name) !== checksum) {
      throw new CatalogSchemaError(
        `The migration "${name}" is not the one which the database was made with. Reinstall Earshot, or choose another data directory.`,
      );
    }
  }
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
    if ((await readApplied(client)).get(name) !== checksum) throw error;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
