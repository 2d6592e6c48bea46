import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { migratePostgresql } from "../../../../src/catalog/postgresql/migrations.js";
import { emptyDatabaseOf, removeDatabaseOf } from "../../../fixtures/database.js";
import { silentLogger } from "../../../fixtures/tools.js";

const SHIPPED = fileURLToPath(new URL("../../../../prisma/postgresql/migrations", import.meta.url));

let folder: string;
let migrations: string;
let url: string;
let clients: pg.Client[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "earshot-migrator-"));
  migrations = path.join(folder, "migrations");
  await cp(SHIPPED, migrations, { recursive: true });
  url = await emptyDatabaseOf(folder);
  clients = [];
});
afterEach(async () => {
  for (const client of clients) await client.end();
  await removeDatabaseOf(folder);
  await rm(folder, { recursive: true });
});

async function connect(limits: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, ...limits });
  clients.push(client);
  await client.connect();
  return client;
}

async function addMigration(name: string, sql: string): Promise<void> {
  await mkdir(path.join(migrations, name), { recursive: true });
  await writeFile(path.join(migrations, name, "migration.sql"), sql);
}

const migrate = async () => migratePostgresql(await connect(), silentLogger, migrations);
const query = async (sql: string) => (await (await connect()).query(sql)).rows as Record<string, unknown>[];
const applied = () => query(`SELECT migration_name AS name FROM "_prisma_migrations" ORDER BY started_at`);
const shipped = async () => (await readdir(SHIPPED, { withFileTypes: true })).filter((entry) => entry.isDirectory());

describe("the migrator of PostgreSQL", () => {
  it("applies what is missing, in order, once, also when several processes start together", async () => {
    await addMigration(
      "29990101000000_second",
      `CREATE TABLE "Extra" (a TEXT); INSERT INTO "Extra" VALUES ('one;two');`,
    );
    await Promise.all([migrate(), migrate(), migrate(), migrate()]);
    await migrate();
    const names = [...(await shipped()).map(({ name }) => name).sort(), "29990101000000_second"];
    expect(await applied()).toEqual(names.map((name) => ({ name })));
    expect(await query(`SELECT a FROM "Extra"`)).toEqual([{ a: "one;two" }]);
  });

  it("takes the time that a migration needs, whatever other statements may take", async () => {
    await addMigration("29990101000000_slow", `SELECT pg_sleep(3);`);
    const client = await connect({ statement_timeout: 2000, query_timeout: 2500 });
    await migratePostgresql(client, silentLogger, migrations);
    expect(await applied()).toContainEqual({ name: "29990101000000_slow" });
  });

  it("keeps Prisma's books, so that its own tool can go on", async () => {
    await migrate();
    const rows = await query(
      `SELECT id, checksum, finished_at, rolled_back_at, applied_steps_count AS steps FROM "_prisma_migrations"`,
    );
    expect(rows).toHaveLength((await shipped()).length);
    for (const row of rows) {
      expect(row).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        checksum: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        finished_at: expect.any(Date) as Date,
        rolled_back_at: null,
        steps: 1,
      });
    }
  });

  it("rolls a migration back that fails half-way, and can run it again when it is mended", async () => {
    await addMigration("29990101000000_broken", `CREATE TABLE "Half" (a TEXT); SELECT no_such_function();`);
    await expect(migrate()).rejects.toThrow(/no_such_function/);
    expect(await query(`SELECT to_regclass('"Half"') AS half`)).toEqual([{ half: null }]);
    await addMigration("29990101000000_broken", `CREATE TABLE "Half" (a TEXT);`);
    await migrate();
    expect(await applied()).toHaveLength((await shipped()).length + 1);
  });

  it("refuses a database of a newer version, a migration that was changed, and one that stopped half-way", async () => {
    await addMigration("29990101000000_newer", "SELECT 1");
    await migrate();
    await rm(path.join(migrations, "29990101000000_newer"), { recursive: true });
    const refused = { code: "CATALOG_SCHEMA_MISMATCH" };
    await expect(migrate()).rejects.toMatchObject(refused);
    await addMigration("29990101000000_newer", "SELECT 2");
    await expect(migrate()).rejects.toMatchObject(refused);
    await addMigration("29990101000000_newer", "SELECT 1");
    await query(`UPDATE "_prisma_migrations" SET finished_at = NULL WHERE migration_name LIKE '2999%'`);
    await expect(migrate()).rejects.toMatchObject(refused);
  });

  it("orders every text by its bytes, whatever the database's language", async () => {
    await migrate();
    const columns = await query(
      `SELECT table_name, column_name FROM information_schema.columns
       WHERE table_schema = 'public' AND data_type = 'text' AND table_name <> '_prisma_migrations'
         AND collation_name IS DISTINCT FROM 'C'`,
    );
    expect(columns).toEqual([]);
  });
});
