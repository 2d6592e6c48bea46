import type { CatalogTransaction, Database } from "./database.js";

/** The one row. */
const ROW = "live";

/** Which index searches use and ingests fill: one for all processes of a database. */
export class LiveIndexRepository {
  constructor(private readonly database: Database) {}

  /** Id of the index in use; null before the first start. */
  async find(tx?: CatalogTransaction): Promise<string | null> {
    const client = tx?.prisma ?? this.database.reader;
    return (await client.liveIndex.findUnique({ where: { id: ROW } }))?.indexId ?? null;
  }

  /** Takes an index into use if none is. Gives the one in use, which may be another process's choice. */
  async begin(indexId: string): Promise<string> {
    const row = await this.database.transaction(({ prisma }) =>
      prisma.liveIndex.upsert({ where: { id: ROW }, create: { id: ROW, indexId }, update: {} }),
    );
    return row.indexId;
  }

  /** Takes an index into use in place of another one. False when that is no longer in use. */
  async change(tx: CatalogTransaction, from: string, to: string): Promise<boolean> {
    const { count } = await tx.prisma.liveIndex.updateMany({
      where: { id: ROW, indexId: from },
      data: { indexId: to, since: new Date() },
    });
    return count === 1;
  }
}
