import { setTimeout as delay } from "node:timers/promises";
import {
  createClient,
  type Client,
  type InArgs,
  type InStatement,
  type ResultSet,
  type Transaction,
  type TransactionMode,
} from "@libsql/client";

/**
 * Longest time one statement may block this process while another holds the lock, in milliseconds. libsql waits
 * synchronously, so it is short; {@link SqliteConnection} tries again without blocking.
 */
const blockingTimeout = 50;

/** Time after which a statement that finds the database locked gives up, in milliseconds. */
const patience = 60_000;

/** WAL lets readers go on during a write; synchronous=FULL makes every commit survive a power cut. */
const pragmas = ["journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "journal_size_limit = 67108864"];

/**
 * Opens one connection to an SQLite file, which is made when it is missing.
 *
 * @param url `file:<path>`
 */
export async function connectSqlite(url: string): Promise<Client> {
  const connection = new SqliteConnection(createClient({ url, timeout: blockingTimeout }));
  try {
    await connection.execute("SELECT 1");
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/**
 * One connection for life, with three things put right about libsql's own client. That leaves each transaction's
 * connection to the garbage collector and opens the next one without its pragmas. It begins transactions as DEFERRED,
 * which fail when another process writes between their first read and their first write. And a statement that met a
 * lock stays half-way on its connection, which then can commit no transaction.
 */
class SqliteConnection implements Client {
  readonly protocol = "file";
  private isSetUp = false;
  private current: SqliteTransaction | undefined;

  constructor(private readonly client: Client) {}

  get closed(): boolean {
    return this.client.closed;
  }

  execute(statement: InStatement, args?: InArgs): Promise<ResultSet> {
    const whole = typeof statement === "string" ? { sql: statement, args: args ?? [] } : statement;
    return this.whenNotBusy(() => this.client.execute(whole));
  }

  executeMultiple(sql: string): Promise<void> {
    return this.whenNotBusy(() => this.client.executeMultiple(sql));
  }

  async transaction(_mode?: TransactionMode): Promise<Transaction> {
    await this.execute("BEGIN IMMEDIATE");
    this.current = new SqliteTransaction(this.client);
    return this.current;
  }

  batch(statements: (InStatement | [string, InArgs?])[]): Promise<ResultSet[]> {
    return this.whenNotBusy(() => this.client.batch(statements, "write"));
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

  /** Runs a statement; while another process holds the lock, waits and tries again on a fresh connection. */
  private async whenNotBusy<T>(run: () => Promise<T>): Promise<T> {
    // Inside a transaction the lock is held already; a fresh connection would lose what was written.
    if (this.current?.closed === false) return run();
    const deadline = Date.now() + patience;
    for (let wait = 5; ; wait = Math.min(wait * 2, 200)) {
      try {
        await this.setUp();
        return await run();
      } catch (error) {
        if (!isBusy(error) || Date.now() > deadline) throw error;
        this.isSetUp = false;
        this.client.reconnect();
        await delay(wait * (0.5 + Math.random()));
      }
    }
  }

  private async setUp(): Promise<void> {
    if (this.isSetUp) return;
    for (const pragma of pragmas) await this.client.execute(`PRAGMA ${pragma}`);
    this.isSetUp = true;
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
    try {
      await this.client.execute("COMMIT");
      this.closed = true;
    } catch (error) {
      await this.rollback();
      throw error;
    }
  }

  async rollback(): Promise<void> {
    if (this.closed) return;
    // SQLite ends a transaction by itself on some errors, a full disk among them.
    await this.client.execute("ROLLBACK").catch((error: unknown) => {
      if (!String(error).includes("no transaction is active")) throw error;
    });
    this.closed = true;
  }

  close(): void {
    if (!this.closed) void this.rollback();
  }
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("SQLITE_BUSY")
  );
}
