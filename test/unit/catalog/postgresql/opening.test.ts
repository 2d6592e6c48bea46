import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeDatabase, openCatalog } from "../../../../src/catalog/index.js";
import { databaseOf, emptyDatabaseOf, removeDatabaseOf } from "../../../fixtures/database.js";
import { recordedLog } from "../../../fixtures/recorded-log.js";
import { silentLogger } from "../../../fixtures/tools.js";

const PASSWORD = "s3cr3t-pass";

let folder: string;
let roles: string[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "earshot-opening-"));
  roles = [];
});
afterEach(async () => {
  await removeDatabaseOf(folder);
  for (const role of roles) await query(await emptyDatabaseOf(folder), `DROP ROLE ${role}`).catch(() => undefined);
  await removeDatabaseOf(folder);
  await rm(folder, { recursive: true });
});

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

function changed(
  url: string,
  change: Partial<Record<"username" | "password" | "port" | "pathname" | "search", string>>,
) {
  return Object.assign(new URL(url), change).href;
}

/** A user of its own, which may do what it is granted and no more. */
async function newUser(url: string, settings = ""): Promise<string> {
  const role = `earshot_${process.pid}_${roles.length}_${Date.now()}`;
  roles.push(role);
  await query(url, `CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}' ${settings}`);
  return changed(url, { username: role, password: PASSWORD });
}

/** What opening fails with; the password is nowhere in it. */
async function failure(databaseUrl: string): Promise<string> {
  const log = recordedLog();
  const error = await openCatalog({ databaseUrl }, log as never).then(
    () => {
      throw new Error("it opened");
    },
    (error: unknown) => error as Error & { code: string; detail: string },
  );
  expect(error.code).toBe("CATALOG_UNAVAILABLE");
  const password = decodeURIComponent(/:\/\/[^:@/]*:([^@]*)@/.exec(databaseUrl)?.[1] ?? "");
  for (const text of [error.message, error.detail, String(error.cause), JSON.stringify(log.lines)]) {
    if (password !== "") expect(text).not.toContain(password);
  }
  return error.message;
}

describe("opening a PostgreSQL catalog", () => {
  it("says which of many things is wrong, and what to do, without the password", async () => {
    const url = await emptyDatabaseOf(folder);
    const messages = [
      await failure(changed(url, { password: PASSWORD })),
      await failure(changed(url, { pathname: "/nobody_made_it" })),
      await failure(changed(url, { port: "1" })),
      await failure(changed(url, { search: "?sslmode=require" })),
      await failure(await newUser(url, "CONNECTION LIMIT 0")),
      await failure(await newUser(url)),
      await failure("postgresql://me:s3cr3t@[bad/x"),
    ];
    const expected = [
      /password/,
      /does not exist/,
      /No PostgreSQL server/,
      /TLS/,
      /connections/,
      /GRANT/,
      /cannot be read/,
    ];
    for (const [i, pattern] of expected.entries()) expect(messages[i]).toMatch(pattern);
    expect(new Set(messages).size).toBe(messages.length);
  });

  it("needs no right to change the schema of a database that is up to date", async () => {
    const url = await databaseOf(folder);
    const user = await newUser(url);
    const { username } = new URL(user);
    await query(url, `GRANT USAGE ON SCHEMA earshot_queue TO ${username}`);
    await query(
      url,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, earshot_queue TO ${username}`,
    );
    const catalog = await openCatalog({ databaseUrl: user }, silentLogger);
    expect(await catalog.videos.count("a", {})).toBe(0);
    await catalog.close();
    // Its rights would be in the way of dropping it.
    await query(url, `DROP OWNED BY ${username}`);
  });

  it("keeps its tables in the schema that the address names", async () => {
    const url = await emptyDatabaseOf(folder);
    await query(url, "CREATE SCHEMA apart");
    const databaseUrl = changed(url, { search: "?options=-c%20search_path%3Dapart" });
    const catalog = await openCatalog({ databaseUrl }, silentLogger);
    await catalog.vectors.createIndex({ id: "x@1", dimension: 1 });
    await catalog.close();
    await query(url, `SELECT 1/(count(*) = 1)::int FROM apart."VectorIndex"`);
  });

  it("is described without the password", () => {
    expect(describeDatabase("postgresql://me:secret@db.example:5433/ear?sslmode=require")).toBe(
      "postgresql://me@db.example:5433/ear",
    );
    expect(describeDatabase("file:/srv/x.db")).toBe("/srv/x.db");
  });
});
