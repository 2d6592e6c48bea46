import { InvalidFilterError } from "../errors.js";
import type { Database } from "./database.js";
import type { Prisma } from "./generated/client.js";
import type { VideoFilter } from "./records.js";

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
  if (titleContains !== undefined) {
    conditions.push(await database.dialect.titleContains(database, tenant, titleContains));
  }
  for (const { path, equals } of metadata ?? []) {
    const condition = database.dialect.metadataEquals(database, tenant, checkKeys(path), comparable(equals));
    conditions.push(await condition);
  }
  return { AND: conditions };
}

function checkKeys(keys: readonly string[]): readonly string[] {
  if (keys.length === 0 || keys.some((key) => key === "" || /["\\]/.test(key))) {
    throw new InvalidFilterError(
      "The path of a metadata filter needs at least one key, and no key may be empty or hold a quotation mark or a backslash.",
      { field: "filter.metadata.path" },
    );
  }
  return keys;
}

function comparable(value: unknown): string | number | boolean {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  throw new InvalidFilterError("A metadata filter compares with a string, a number or a boolean only.", {
    field: "filter.metadata.equals",
  });
}
