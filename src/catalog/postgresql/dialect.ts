import type { Dialect } from "../database.js";
import type { Prisma } from "../generated/client.js";

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
      [JSON.stringify(rows, bytesAsHex)],
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

  metadataEquals: (keys, value) => {
    const at = (path: readonly string[]) =>
      ({ metadata: { path, equals: value } }) as unknown as Prisma.VideoWhereInput;
    // To PostgreSQL a number may be a place in an array, too.
    const arrays = keys.flatMap((key, depth) =>
      depth > 0 && /^-?\d+$/.test(key) ? [{ metadata: { path: keys.slice(0, depth), array_contains: [] } }] : [],
    );
    return { ...at(keys), NOT: arrays as unknown as Prisma.VideoWhereInput[] };
  },
};

/** How PostgreSQL reads bytes from text. */
function bytesAsHex(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const original = this[key];
  if (!(original instanceof Uint8Array)) return value;
  return `\\x${Buffer.from(original.buffer, original.byteOffset, original.byteLength).toString("hex")}`;
}
