import { InvalidFilterError } from "../errors.js";
import type { Database } from "./database.js";
import type { Prisma } from "./generated/client.js";
import type { VideoFilter } from "./records.js";
import { textOf } from "./sqlite.js";

/**
 * A filter as Prisma's condition; the tenant is always part of it.
 *
 * @throws InvalidFilterError when metadata cannot be compared in the way that was asked for
 */
export async function videoWhere(
  database: Database,
  tenant: string,
  filter: VideoFilter,
): Promise<Prisma.VideoWhereInput> {
  const { ids, externalIds, createdAfter, createdBefore, titleContains, metadata } = filter;
  const conditions: Prisma.VideoWhereInput[] = [{ tenant }];
  if (ids !== undefined) conditions.push({ id: { in: [...ids] } });
  if (externalIds !== undefined) conditions.push({ externalId: { in: [...externalIds] } });
  if (createdAfter !== undefined) conditions.push({ createdAt: { gte: createdAfter } });
  if (createdBefore !== undefined) conditions.push({ createdAt: { lt: createdBefore } });
  if (titleContains !== undefined) conditions.push(await titleCondition(database, tenant, titleContains));
  for (const { path, equals } of metadata ?? []) {
    conditions.push({ metadata: { path: jsonPath(path), equals: comparable(equals) } });
  }
  return { AND: conditions };
}

async function titleCondition(database: Database, tenant: string, text: string): Promise<Prisma.VideoWhereInput> {
  if (!/[%_]/.test(text)) return { title: { contains: text } };
  // Prisma hands these to LIKE as they are, where they stand for any text.
  const { rows } = await database.rawReader.execute({
    sql: "SELECT id FROM Video WHERE tenant = ? AND instr(lower(title), lower(?)) > 0",
    args: [tenant, text],
  });
  return { id: { in: rows.map((row) => textOf(row, "id")) } };
}

/** The place as SQLite writes it: `$."camera"."site"`. */
function jsonPath(keys: readonly string[]): string {
  if (keys.length === 0 || keys.some((key) => key === "" || /["\\]/.test(key))) {
    throw new InvalidFilterError(
      "The path of a metadata filter needs at least one key, and no key may be empty or hold a quotation mark or a backslash.",
      { field: "filter.metadata.path" },
    );
  }
  return `$${keys.map((key) => `."${key}"`).join("")}`;
}

function comparable(value: unknown): string | number | boolean {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  throw new InvalidFilterError("A metadata filter compares with a string, a number or a boolean only.", {
    field: "filter.metadata.equals",
  });
}
