import pg from "pg";
import { resolveOptions, type Logger } from "../../config/index.js";
import { CatalogUnavailableError, EarshotError } from "../../errors.js";
import type { Database } from "../database.js";
import { connectionConfig, describeConnection, type ConnectionOptions } from "./connection.js";
import { PostgresqlDatabase } from "./database.js";
import { openingFailure } from "./failures.js";
import { migratePostgresql } from "./migrations.js";

/**
 * Opens a PostgreSQL database and brings its schema up to date.
 *
 * @param url `postgresql://user:password@host:port/database`
 * @throws CatalogUnavailableError, CatalogSchemaError
 */
export async function openPostgresql(url: string, options: ConnectionOptions, logger: Logger): Promise<Database> {
  const client = newClient(url, options);
  // Without a listener, a connection that breaks would end the process; the statement that runs is told as well.
  client.on("error", () => undefined);
  try {
    await client.connect();
    await checkEncoding(client);
    await migratePostgresql(client, logger);
    return await PostgresqlDatabase.open(url, options, logger);
  } catch (error) {
    if (error instanceof EarshotError) throw error;
    throw openingFailure(error, client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Who connects where, without the password. */
export function describePostgresql(url: string): string {
  return describeConnection(newClient(url, resolveOptions().database));
}

function newClient(url: string, options: ConnectionOptions): pg.Client {
  try {
    return new pg.Client(connectionConfig(url, options));
  } catch (error) {
    // Its cause would show the password.
    throw new CatalogUnavailableError(
      "The address of the database cannot be read. It looks like postgresql://user:password@host:5432/database; special characters of a password are percent-encoded.",
      { detail: error instanceof Error ? error.name : "unreadable address" },
    );
  }
}

async function checkEncoding(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ server_encoding: string }>("SHOW server_encoding");
  const encoding = rows[0]?.server_encoding;
  if (encoding === "UTF8") return;
  throw new CatalogUnavailableError(
    `The database's encoding is ${encoding}. Create it with ENCODING 'UTF8', so that it can hold titles of every language.`,
  );
}
