import pg from "pg";
import type { Logger, ResolvedOptions } from "../../config/index.js";
import { storableText } from "../storable-text.js";

/** How connections are made. */
export type ConnectionOptions = ResolvedOptions["database"];

/** PostgreSQL's numbers of types. */
const INT8 = 20;
const TIMESTAMP = 1114;

/** What stands in the statements of this process's own, not in Prisma's: that has parsers of its own. */
const parsers: Partial<Record<number, (text: string) => unknown>> = {
  // Counts: exact up to 2^53.
  [INT8]: Number,
  // Columns hold UTC; the driver would take it for local time.
  [TIMESTAMP]: (text) => new Date(`${text.replace(" ", "T")}Z`),
};

/**
 * The address and the limits as the driver takes them.
 *
 * `sslmode` means what it means to PostgreSQL's own programs: "require" encrypts and "verify-full" checks the server's
 * certificate, too. Without it nothing is encrypted.
 */
export function connectionConfig(url: string, options: ConnectionOptions): pg.ClientConfig {
  const statementMs = options.statementTimeoutSeconds * 1000;
  const compatible = /[?&]uselibpqcompat=/.test(url)
    ? url
    : `${url}${url.includes("?") ? "&" : "?"}uselibpqcompat=true`;
  return {
    connectionString: compatible,
    application_name: "earshot",
    connectionTimeoutMillis: options.connectTimeoutSeconds * 1000,
    statement_timeout: statementMs,
    // For a server that does not even answer that it gave up.
    query_timeout: statementMs + 5000,
    // A process that hangs in the middle of a transaction keeps its locks no longer.
    idle_in_transaction_session_timeout: statementMs,
    keepAlive: true,
    types: { getTypeParser: (id, format) => parsers[id] ?? (pg.types.getTypeParser(id, format) as never) },
  };
}

/** Who connects where, without the password: safe for logs and for the operator's eyes. */
export function describeConnection({ user, host, port, database }: pg.Client): string {
  return `postgresql://${user ?? ""}@${host}:${port}/${database ?? ""}`;
}

/** A connection that can be asked for texts with NUL characters, which PostgreSQL refuses: nothing of the kind is found. */
class TextClient extends pg.Client {
  // The driver's signatures are many. Statements come as text and values, or as one object with both.
  override query(...call: unknown[]): never {
    const [statement, values, ...rest] = call;
    const whole = typeof statement === "object" && statement !== null && "values" in statement ? statement : null;
    const cleaned = whole === null ? statement : { ...whole, values: storableValues(whole.values) };
    return (super.query as (...all: unknown[]) => never)(cleaned, storableValues(values), ...rest);
  }
}

function storableValues(values: unknown): unknown {
  if (!Array.isArray(values)) return values;
  return values.map((value: unknown) => (typeof value === "string" ? storableText(value) : value));
}

/** The connections of one process. They are made when they are needed, and made again after they broke. */
export function createPool(url: string, options: ConnectionOptions, logger: Logger): pg.Pool {
  const pool = new pg.Pool({ ...connectionConfig(url, options), Client: TextClient, max: options.poolSize });
  pool.on("error", (error) => {
    // An idle connection broke; the next statement opens another one, or tells that it cannot.
    logger.warn({ err: error }, "a connection to the database was lost");
  });
  return pool;
}
