import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Logger } from "../../config/index.js";
import { CatalogUnavailableError, EarshotError } from "../../errors.js";
import type { Database } from "../database.js";
import { SqliteDatabase } from "./database.js";
import { migrateSqlite } from "./migrations.js";

/**
 * Opens an SQLite file: makes it and its folder when they are missing, and brings its schema up to date.
 *
 * @param url `file:<path>`
 * @throws CatalogUnavailableError, CatalogSchemaError
 */
export async function openSqlite(url: string, logger: Logger): Promise<Database> {
  const file = url.slice("file:".length);
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await migrateSqlite(url, logger);
    return await SqliteDatabase.open(url);
  } catch (error) {
    if (error instanceof EarshotError) throw error;
    throw new CatalogUnavailableError(
      "The database cannot be opened. Check that its folder exists and can be written, and that the file is an Earshot database.",
      { detail: `${file}: ${String(error)}`, cause: error },
    );
  }
}
