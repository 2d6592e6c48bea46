import { PrismaLibSql } from "@prisma/adapter-libsql";
import type { Client, InArgs, ResultSet } from "@libsql/client";
import type { CatalogTransaction, Database, SqlRow, SqlValue } from "../database.js";
import { PrismaClient } from "../generated/client.js";
import { noMessages } from "../job-messages.js";
import { connectSqlite } from "./connection.js";
import { sqliteDialect } from "./dialect.js";

/** Longest time a transaction may wait for others, and may take. */
const transactionLimits = { maxWait: 120_000, timeout: 600_000 };

/**
 * The two connections to the database file.
 *
 * Prisma's libsql adapter lets nothing pass while a transaction is open. With a connection of their own, readers
 * never wait for a writer: in WAL mode they go on with the last committed state.
 */
export class SqliteDatabase implements Database {
  readonly dialect = sqliteDialect;
  readonly messages = noMessages;

  private constructor(
    readonly reader: PrismaClient,
    readonly writer: PrismaClient,
    private readonly rawReader: Client,
    private readonly rawWriter: Client,
  ) {}

  /** Opens both connections of a migrated database. */
  static async open(url: string): Promise<SqliteDatabase> {
    const rawReader = await connectSqlite(url);
    const rawWriter = await connectSqlite(url);
    const reader = new PrismaClient({ adapter: new ConnectedAdapter(rawReader) });
    const writer = new PrismaClient({
      adapter: new ConnectedAdapter(rawWriter),
      transactionOptions: transactionLimits,
    });
    return new SqliteDatabase(reader, writer, rawReader, rawWriter);
  }

  /** There is one writer at a time, so every transaction is serial, and none is ever repeated. */
  transaction<T>(work: (tx: CatalogTransaction) => Promise<T>): Promise<T> {
    // Prisma's transactions on the writer all run on this one connection: see connection.ts.
    const execute = async (sql: string, args: readonly SqlValue[]) =>
      toRows(await this.rawWriter.execute({ sql, args: toArgs(args) }));
    return this.writer.$transaction((prisma) => work({ prisma, execute }));
  }

  async query(sql: string, args: readonly SqlValue[] = []): Promise<SqlRow[]> {
    return toRows(await this.rawReader.execute({ sql, args: toArgs(args) }));
  }

  /** All processes are on one machine. */
  now(): Promise<Date> {
    return Promise.resolve(new Date());
  }

  async close(): Promise<void> {
    await Promise.all([this.reader.$disconnect(), this.writer.$disconnect()]);
    this.rawReader.close();
    this.rawWriter.close();
  }
}

function toRows({ rows }: ResultSet): SqlRow[] {
  return rows;
}

function toArgs(values: readonly SqlValue[]): InArgs {
  // As Prisma's adapter writes dates: text of another form would not compare with them.
  return values.map((value) => (value instanceof Date ? value.toISOString().replace("Z", "+00:00") : value));
}

/** Prisma's adapter over a connection that is already open and set up. */
class ConnectedAdapter extends PrismaLibSql {
  constructor(private readonly client: Client) {
    super({ url: "file:unused" });
  }

  override createClient(): Client {
    return this.client;
  }
}
