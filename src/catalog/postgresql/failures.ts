import type pg from "pg";
import {
  CatalogBusyError,
  CatalogDisconnectedError,
  CatalogUnavailableError,
  CatalogWriteError,
  type EarshotError,
} from "../../errors.js";
import { describeConnection } from "./connection.js";

/** Prisma's names of causes that the driver's codes were turned into. */
const codesOfKinds: Readonly<Record<string, string>> = {
  DatabaseNotReachable: "ECONNREFUSED",
  ConnectionClosed: "ECONNRESET",
  SocketTimeout: "ETIMEDOUT",
  TlsConnectionError: "TLS",
  TransactionWriteConflict: "40001",
  TooManyConnections: "53300",
  AuthenticationFailed: "28P01",
  DatabaseAccessDenied: "28000",
  DatabaseDoesNotExist: "3D000",
};

/** Prisma's own codes: it gave up on a statement or a transaction. */
const codesOfPrisma: Readonly<Record<string, string>> = {
  P1001: "ECONNREFUSED",
  P1002: "ETIMEDOUT",
  P1017: "ECONNRESET",
  P2034: "40001",
};

/** What the driver says in words only. */
const lostMessages =
  /connection terminated|connection timeout|connection error|timeout exceeded when trying to connect|query read timeout|connection ended/i;

const tlsMessages = /does not support SSL connections|error establishing an SSL connection/;

/** Codes of a server that is not there, or not any more. */
const lostCodes = /^(08|57P0|ECONN|ENOTFOUND$|EAI_AGAIN$|ETIMEDOUT$|EPIPE$|EHOST|ENET|28|3D000$|TLS$)/;
const conflictCodes = new Set(["40001", "40P01"]);
/** A lock that was not had in time, a statement or a transaction that took too long. */
const busyCodes = new Set([...conflictCodes, "55P03", "57014", "25P03", "25P04", "53300"]);
/** Disk full, no memory, I/O; read-only; no right. */
const writeCodes = /^(53100|53200|53000|53400|58|25006|42501)/;

/** Whether a transaction failed because of others that ran at the same time; run again, it may succeed. */
export function isConflict(error: unknown): boolean {
  return conflictCodes.has(postgresqlCode(error));
}

/** Whether a row with the same key was there: by another transaction that ran at the same time, or all along. */
export function isDuplicate(error: unknown): boolean {
  return postgresqlCode(error) === "23505";
}

/** What a failure of PostgreSQL means to Earshot; null when its cause does not lie outside Earshot, or it is another's. */
export function postgresqlFailure(error: unknown): EarshotError | null {
  const code = postgresqlCode(error);
  const extra = { detail: `${code}: ${String(error)}`, cause: error };
  if (busyCodes.has(code)) {
    return new CatalogBusyError("The database is too busy with other work. Try again later.", extra);
  }
  if (lostCodes.test(code)) {
    return new CatalogDisconnectedError("The database cannot be reached at the moment. Try again later.", extra);
  }
  if (writeCodes.test(code)) {
    return new CatalogWriteError(
      "The database cannot be written. Check the free space of its disk and its rights.",
      extra,
    );
  }
  return null;
}

/** The code of PostgreSQL (SQLSTATE), Node or TLS somewhere inside an error; "" when there is none. */
function postgresqlCode(error: unknown): string {
  for (let inner = error, depth = 0; typeof inner === "object" && inner !== null && depth < 8; depth++) {
    const fields = inner as Record<string, unknown>;
    const { kind, code, originalCode, message } = fields;
    if (typeof originalCode === "string") return originalCode;
    if (typeof kind === "string" && codesOfKinds[kind] !== undefined) return codesOfKinds[kind];
    if (typeof code === "string") {
      if (codesOfPrisma[code] !== undefined) return codesOfPrisma[code];
      if (!/^P\d{4}$/.test(code)) return code;
    }
    if (typeof message === "string" && tlsMessages.test(message)) return "TLS";
    if (typeof message === "string" && lostMessages.test(message)) return "ECONNRESET";
    const meta = fields["meta"] as Record<string, unknown> | undefined;
    inner = meta?.["driverAdapterError"] ?? fields["cause"] ?? firstOf(fields["errors"]);
  }
  return "";
}

/** Node tries several addresses of a host, and tells of each. */
function firstOf(errors: unknown): unknown {
  return Array.isArray(errors) ? errors[0] : undefined;
}

/** Why a database could not be opened, with what to do about it; the password is in none of it. */
export function openingFailure(error: unknown, connection: pg.Client): CatalogUnavailableError {
  const code = postgresqlCode(error);
  const [, advice] = openings.find(([codes]) => codes.test(code)) ?? [
    null,
    "The database cannot be opened. The log says more.",
  ];
  const detail = `${describeConnection(connection)}: ${code} ${error instanceof Error ? error.message : String(error)}`;
  return new CatalogUnavailableError(advice, { detail, cause: error, retryable: passing.test(code) });
}

/** What passes when a server starts, or has fewer connections to serve. */
const passing = /^(53300|57P0|08|ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOST|ENET)/;

const openings: readonly (readonly [RegExp, string])[] = [
  [
    /^28P01$/,
    "The database server refuses the user or the password. Check those in EARSHOT_DATABASE_URL; special characters of a password are percent-encoded there.",
  ],
  [
    /^28/,
    "The database server does not let this user in from here. Check the user in EARSHOT_DATABASE_URL and the server's pg_hba.conf; it may ask for TLS (sslmode=require).",
  ],
  [
    /^3D000$/,
    "The database does not exist on the server. Create it (CREATE DATABASE), or check the name in EARSHOT_DATABASE_URL.",
  ],
  [
    /^(42501|3F000)$/,
    "The database's user may not create Earshot's tables. Give it the right (GRANT CREATE ON DATABASE and ON SCHEMA public), or apply the migrations as a user that has it.",
  ],
  [
    /^53300$/,
    "The database server takes no more connections. Lower EARSHOT_DATABASE_POOL_SIZE of all processes together, or raise the server's max_connections.",
  ],
  [/^57P03$/, "The database server is starting up or shutting down. Try again in a moment."],
  [/^(53100|53200|58)/, "The database server cannot write. Check the free space of its disk and its memory."],
  [
    /^25006$/,
    "The database can only be read. Check that EARSHOT_DATABASE_URL names the primary server, not a replica.",
  ],
  [
    /CERT|^TLS$|^CERT|SELF_SIGNED|ISSUER|HOSTNAME_MISMATCH|ERR_TLS|ERR_SSL/,
    "No TLS connection to the database server could be made. Check sslmode and sslrootcert in EARSHOT_DATABASE_URL, and the server's certificate.",
  ],
  [
    /^(08|57P0|ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOST|ENET|ENOENT|EACCES)/,
    "No PostgreSQL server answers at the address in EARSHOT_DATABASE_URL. Check host and port, and that the server runs and can be reached from here.",
  ],
];
