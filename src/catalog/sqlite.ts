import { setTimeout as delay } from "node:timers/promises";
import {
  createClient,
  type Client,
  type InArgs,
  type InStatement,
  type ResultSet,
  type Row,
  type Transaction,
  type TransactionMode,
} from "@libsql/client";

/**
 * Longest time one statement may block this process while another holds the lock, in milliseconds. libsql waits
 * synchronously, so it is short; {@link whenNotBusy} tries again without blocking.
 */
const blockingTimeout = 50;

/** Time after which a statement that finds the database locked gives up, in milliseconds. */
const patience = 60_000;

/**
 * Opens one connection to an SQLite file, which is made when it is missing.
 *
 * WAL lets readers go on during a write; synchronous=FULL makes every commit survive a power cut.
 *
 * @param url `file:<path>`
 */
export async function connectSqlite(url: string): Promise<Client> {
  const client = createClient({ url, timeout: blockingTimeout });
  try {
    for (const pragma of [
      "journal_mode = WAL",
      "synchronous = FULL",
      "foreign_keys = ON",
      "journal_size_limit = 67108864",
    ]) {
      await whenNotBusy(() => client.execute(`PRAGMA ${pragma}`));
    }
  } catch (error) {
    client.close();
    throw error;
  }
  return new SqliteConnection(client);
}

/**
 * One connection for life. libsql's own client leaves each transaction's connection to the garbage collector and
 * opens the next one without its pragmas; and it begins transactions as DEFERRED, which fail when another process
 * writes between their first read and their first write.
 */
class SqliteConnection implements Client {
  readonly protocol = "file";

  constructor(private readonly client: Client) {}

  get closed(): boolean {
    return this.client.closed;
  }

  execute(statement: InStatement, args?: InArgs): Promise<ResultSet> {
    const whole = typeof statement === "string" ? { sql: statement, args: args ?? [] } : statement;
    return whenNotBusy(() => this.client.execute(whole));
  }

  executeMultiple(sql: string): Promise<void> {
    return whenNotBusy(() => this.client.executeMultiple(sql));
  }

  async transaction(_mode?: TransactionMode): Promise<Transaction> {
    await this.execute("BEGIN IMMEDIATE");
    return new SqliteTransaction(this.client);
  }

  batch(statements: (InStatement | [string, InArgs?])[]): Promise<ResultSet[]> {
    return whenNotBusy(() => this.client.batch(statements, "write"));
  }

  migrate(statements: InStatement[]): Promise<ResultSet[]> {
    return this.client.migrate(statements);
  }

  sync(): ReturnType<Client["sync"]> {
    return this.client.sync();
  }

  reconnect(): void {
    this.client.reconnect();
  }

  close(): void {
    if (!this.client.closed) this.client.close();
  }
}

class SqliteTransaction implements Transaction {
  closed = false;

  constructor(private readonly client: Client) {}

  execute(statement: InStatement): Promise<ResultSet> {
    return this.client.execute(statement);
  }

  executeMultiple(): Promise<void> {
    return Promise.reject(new Error("libsql rolls back at the end of a script; run the statements one by one."));
  }

  async batch(statements: InStatement[]): Promise<ResultSet[]> {
    const results: ResultSet[] = [];
    for (const statement of statements) results.push(await this.client.execute(statement));
    return results;
  }

  async commit(): Promise<void> {
    await this.client.execute("COMMIT");
    this.closed = true;
  }

  async rollback(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    // SQLite ends a transaction by itself on some errors, a full disk among them.
    await this.client.execute("ROLLBACK").catch((error: unknown) => {
      if (!String(error).includes("no transaction is active")) throw error;
    });
  }

  close(): void {
    if (!this.closed) void this.rollback();
  }
}

/** Text from a column that is never null. */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`The database holds no text in the column "${column}".`);
  return value;
}

/** Runs a statement; while another process holds the lock, waits and tries again. */
async function whenNotBusy<T>(run: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + patience;
  for (let wait = 5; ; wait = Math.min(wait * 2, 200)) {
    try {
      return await run();
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error;
      await delay(wait * (0.5 + Math.random()));
    }
  }
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("SQLITE_BUSY")
  );
}
