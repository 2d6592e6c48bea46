import { PrismaLibSql } from "@prisma/adapter-libsql";
import type { Client, InArgs } from "@libsql/client";
import { connectSqlite } from "./sqlite.js";
import { PrismaClient, type Prisma } from "./generated/client.js";

/** A write transaction. Everything done through it is committed together or not at all. */
export interface CatalogTransaction {
  /** Prisma's client, bound to the transaction. */
  prisma: Prisma.TransactionClient;
  /**
   * Runs one SQL statement in the transaction: for many rows at once, where Prisma's conversions cost 3 to 50 times
   * as much as the writing.
   */
  execute(sql: string, args: InArgs): Promise<unknown>;
}

/** Longest time a transaction may wait for others, and may take. */
const transactionLimits = { maxWait: 120_000, timeout: 600_000 };

/**
 * The two connections to the database file.
 *
 * Prisma's libsql adapter lets nothing pass while a transaction is open. With a connection of their own, readers
 * never wait for a writer: in WAL mode they go on with the last committed state.
 */
export class Database {
  private constructor(
    /** For reads outside transactions. Never write through it. */
    readonly reader: PrismaClient,
    /** For everything that writes. */
    readonly writer: PrismaClient,
    /** The reader's connection, for reads that are too large for Prisma's conversions. */
    readonly rawReader: Client,
    private readonly rawWriter: Client,
  ) {}

  /** Opens both connections of a migrated database. */
  static async open(url: string): Promise<Database> {
    const rawReader = await connectSqlite(url);
    const rawWriter = await connectSqlite(url);
    const reader = new PrismaClient({ adapter: new ConnectedAdapter(rawReader) });
    const writer = new PrismaClient({
      adapter: new ConnectedAdapter(rawWriter),
      transactionOptions: transactionLimits,
    });
    return new Database(reader, writer, rawReader, rawWriter);
  }

  /** Runs `work` in one write transaction; what it throws rolls everything back. */
  transaction<T>(work: (tx: CatalogTransaction) => Promise<T>): Promise<T> {
    // Prisma's transactions on the writer all run on this one connection: see sqlite.ts.
    const execute = (sql: string, args: InArgs) => this.rawWriter.execute({ sql, args });
    return this.writer.$transaction((prisma) => work({ prisma, execute }));
  }

  /** Waits for running statements, then closes both connections. */
  async close(): Promise<void> {
    await Promise.all([this.reader.$disconnect(), this.writer.$disconnect()]);
    this.rawReader.close();
    this.rawWriter.close();
  }
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
