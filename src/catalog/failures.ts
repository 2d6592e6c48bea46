import { CatalogBusyError, CatalogWriteError, EarshotError } from "../errors.js";
import { postgresqlFailure } from "./postgresql/failures.js";

/** SQLite's primary result codes for causes outside Earshot: memory, read-only, I/O, disk full, cannot open. */
const environmentCodes = new Set([7, 8, 10, 13, 14]);
const busyCodes = new Set([5, 6]);

/** Prisma's codes for a lock that was not had in time: of the database, of a transaction. */
const prismaBusyCodes = new Set(["P1008", "P2024", "P2028"]);

/**
 * Turns what Prisma, libsql or PostgreSQL's driver threw into a CatalogBusyError, a CatalogDisconnectedError or a
 * CatalogWriteError when its cause lies outside Earshot. Every other error is given back as it is.
 */
export function toCatalogError(error: unknown): unknown {
  if (error instanceof EarshotError) return error;
  return sqliteFailure(error) ?? postgresqlFailure(error) ?? error;
}

function sqliteFailure(error: unknown): EarshotError | null {
  const code = sqliteCode(error);
  if (busyCodes.has(code) || prismaBusyCodes.has(stringField(error, "code"))) {
    return new CatalogBusyError("The database is locked by other work. Try again later.", {
      detail: String(error),
      cause: error,
    });
  }
  if (environmentCodes.has(code)) {
    return new CatalogWriteError("The database cannot be written. Check the free space and rights of its disk.", {
      detail: String(error),
      cause: error,
    });
  }
  return null;
}

/** SQLite's primary result code somewhere inside an error; 0 when there is none. */
function sqliteCode(error: unknown): number {
  for (let inner = error; typeof inner === "object" && inner !== null;) {
    const fields = inner as Record<string, unknown>;
    const code = fields["rawCode"] ?? fields["extendedCode"];
    if (typeof code === "number") return code & 0xff;
    if (fields["kind"] === "SocketTimeout" && fields["originalCode"] === undefined) return 5;
    const meta = fields["meta"] as Record<string, unknown> | undefined;
    inner = meta?.["driverAdapterError"] ?? fields["cause"];
  }
  return 0;
}

function stringField(error: unknown, name: string): string {
  const value = typeof error === "object" && error !== null ? (error as Record<string, unknown>)[name] : undefined;
  return typeof value === "string" ? value : "";
}
