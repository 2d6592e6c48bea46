import { textOf, type Dialect } from "../database.js";
import type { Prisma } from "../generated/client.js";
import { storableText } from "../storable-text.js";

/** PostgreSQL's own ways. */
export const postgresqlDialect: Dialect = {
  async insertRows(tx, table, rows) {
    const columns = Object.keys(rows[0] ?? {})
      .map((column) => `"${column}"`)
      .join(", ");
    if (columns === "") return;
    // The types are those of the table's columns.
    await tx.execute(
      `INSERT INTO "${table}" (${columns}) SELECT ${columns} FROM jsonb_populate_recordset(NULL::"${table}", ?::jsonb)`,
      [JSON.stringify(rows, asPostgresqlReads)],
    );
  },

  lockFree: (...tables) => ` FOR NO KEY UPDATE OF ${tables.map((table) => `"${table}"`).join(", ")} SKIP LOCKED`,

  async lockName(tx, name) {
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))::text", [`earshot ${name}`]);
  },

  titleContains: (_database, _tenant, text) => {
    // In the collation "C" letters A to Z are the only ones with two cases, as for SQLite.
    const contains = { contains: text.replace(/[\\%_]/g, "\\$&"), mode: "insensitive" };
    return Promise.resolve({ title: contains });
  },

  async metadataEquals(database, tenant, keys, given) {
    const value = typeof given === "string" ? storableText(given) : given;
    if (!keys.some((key) => /^-?\d+$/.test(key))) {
      return { metadata: { path: [...keys], equals: value } } as unknown as Prisma.VideoWhereInput;
    }
    // In a path, a number would be a place in an array as well.
    const whole = keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
    const rows = await database.query(`SELECT "id" FROM "Video" WHERE "tenant" = ? AND "metadata" @> ?::jsonb`, [
      tenant,
      JSON.stringify(whole),
    ]);
    return { id: { in: rows.map((row) => textOf(row, "id")) } };
  },
};

/** A value as PostgreSQL reads it from JSON, into a column of whatever type. */
function asPostgresqlReads(this: Record<string, unknown>, key: string, value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  const original = this[key];
  if (!(original instanceof Uint8Array)) return value;
  return `\\x${Buffer.from(original.buffer, original.byteOffset, original.byteLength).toString("hex")}`;
}
