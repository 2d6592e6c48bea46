import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Logger } from "../config/index.js";
import { CatalogSchemaError } from "../errors.js";

/** One step of the schema. */
export interface Migration {
  name: string;
  sql: string;
  /** SHA-256 of the SQL file, hexadecimal. */
  checksum: string;
}

/** A row of Prisma's own book-keeping table, so that `prisma migrate deploy` and this migrator can take turns. */
export interface AppliedMigration {
  name: string;
  checksum: string;
  /** False when the migration stopped half-way. */
  isFinished: boolean;
}

/** A database that is to be brought up to date. */
export interface MigratedDatabase {
  /** The migrations in its books, those left out that were rolled back. */
  readApplied(): Promise<AppliedMigration[]>;
  /**
   * Applies a migration and writes it into the books, in one transaction. Does nothing when another process was quicker.
   */
  apply(migration: Migration): Promise<void>;
}

/**
 * Brings a database up to date: applies the migrations that are missing, each in one transaction. Prisma's own
 * engine for this would have to be downloaded. Several processes may do this at once.
 *
 * @param folder holds one folder a migration, named so that their order is the alphabet's, each with a migration.sql
 * @throws CatalogSchemaError when the database knows a migration that is missing or different here
 */
export async function migrate(database: MigratedDatabase, folder: string, logger: Logger): Promise<void> {
  const migrations = await readMigrations(folder);
  const applied = await database.readApplied();
  checkHistory(migrations, applied);
  const done = new Set(applied.map(({ name }) => name));
  for (const migration of migrations) {
    if (done.has(migration.name)) continue;
    await database.apply(migration);
    logger.info({ migration: migration.name }, "database migrated");
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

function checkHistory(migrations: readonly Migration[], applied: readonly AppliedMigration[]): void {
  const unfinished = applied.find(({ isFinished }) => !isFinished);
  if (unfinished !== undefined) {
    throw new CatalogSchemaError(
      `The migration "${unfinished.name}" of the database failed half-way. Restore a backup, or mend it with "prisma migrate resolve".`,
    );
  }
  const known = new Map(migrations.map(({ name, checksum }) => [name, checksum]));
  for (const { name, checksum } of applied) {
    if (!known.has(name)) {
      throw new CatalogSchemaError(
        `The database was written by a newer version of Earshot (migration "${name}" is unknown here). Update Earshot, or choose another database.`,
      );
    }
    if (known.get(name) !== checksum) {
      throw new CatalogSchemaError(
        `The migration "${name}" is not the one which the database was made with. Reinstall Earshot, or choose another database.`,
      );
    }
  }
}
