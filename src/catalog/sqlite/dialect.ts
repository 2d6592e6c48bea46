import { textOf, type CatalogTransaction, type Dialect, type SqlValue } from "../database.js";
import { storableJson } from "../storable-text.js";

/** Rows with bytes that are written by one statement; SQLite's JSON cannot hold bytes. */
const BYTE_ROWS = 100;

/** SQLite's own ways. */
export const sqliteDialect: Dialect = {
  async insertRows(tx, table, rows) {
    const columns = Object.keys(rows[0] ?? {});
    if (columns.length === 0) return;
    const into = `INSERT INTO "${table}" (${columns.map((column) => `"${column}"`).join(", ")})`;
    if (Object.values(rows[0]!).some((value) => value instanceof Uint8Array)) {
      await insertBytes(tx, into, columns, rows as Record<string, SqlValue>[]);
      return;
    }
    const values = columns.map((column) => `value->>'${column}'`).join(", ");
    await tx.execute(`${into} SELECT ${values} FROM json_each(?)`, [storableJson(rows)]);
  },

  // A transaction holds the one lock there is.
  lockFree: () => "",
  lockName: () => Promise.resolve(),

  async titleContains(database, tenant, text) {
    if (!/[%_]/.test(text)) return { title: { contains: text } };
    // Prisma hands these to LIKE as they are, where they stand for any text.
    const rows = await database.query(
      `SELECT "id" FROM "Video" WHERE "tenant" = ? AND instr(lower("title"), lower(?)) > 0`,
      [tenant, text],
    );
    return { id: { in: rows.map((row) => textOf(row, "id")) } };
  },

  metadataEquals: (_database, _tenant, keys, value) => {
    const path = `$${keys.map((key) => `."${key}"`).join("")}`;
    return Promise.resolve({ metadata: { path, equals: value } });
  },
};

async function insertBytes(
  tx: CatalogTransaction,
  into: string,
  columns: readonly string[],
  rows: readonly Record<string, SqlValue>[],
): Promise<void> {
  const places = `(${columns.map(() => "?").join(", ")})`;
  for (let start = 0; start < rows.length; start += BYTE_ROWS) {
    const some = rows.slice(start, start + BYTE_ROWS);
    await tx.execute(
      `${into} VALUES ${some.map(() => places).join(", ")}`,
      some.flatMap((row) => columns.map((column) => row[column] ?? null)),
    );
  }
}
