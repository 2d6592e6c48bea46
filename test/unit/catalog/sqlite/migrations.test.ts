import { readdirSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "@libsql/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { migrateSqlite as migrate } from "../../../../src/catalog/sqlite/migrations.js";
import { silentLogger } from "../../../fixtures/tools.js";

const SHIPPED = fileURLToPath(new URL("../../../../prisma/migrations", import.meta.url));

/** Number of the migrations that ship. */
const shipped = readdirSync(SHIPPED, { withFileTypes: true }).filter((entry) => entry.isDirectory()).length;

let folder: string;
let url: string;
let migrations: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "earshot-migrator-"));
  url = `file:${path.join(folder, "test.db")}`;
  migrations = path.join(folder, "migrations");
  await cp(SHIPPED, migrations, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

async function addMigration(name: string, sql: string): Promise<void> {
  await mkdir(path.join(migrations, name), { recursive: true });
  await writeFile(path.join(migrations, name, "migration.sql"), sql);
}

async function query(sql: string) {
  const client = createClient({ url });
  try {
    return (await client.execute(sql)).rows.map((row) => ({ ...row }));
  } finally {
    client.close();
  }
}

const applied = () => query("SELECT migration_name AS name FROM _prisma_migrations ORDER BY name");

describe("the migrator", () => {
  it("applies what is missing, in order, once", async () => {
    await migrate(url, silentLogger, migrations);
    await addMigration("29990101000000_second", "CREATE TABLE Extra (a TEXT);\nINSERT INTO Extra VALUES ('one;two');");
    await migrate(url, silentLogger, migrations);
    await migrate(url, silentLogger, migrations);
    expect(await applied()).toHaveLength(shipped + 1);
    expect(await query("SELECT a FROM Extra")).toEqual([{ a: "one;two" }]);
  });

  it("keeps Prisma's books, so that its own tool can go on", async () => {
    await migrate(url, silentLogger, migrations);
    const rows = await query(
      "SELECT checksum, finished_at, rolled_back_at, applied_steps_count AS steps FROM _prisma_migrations",
    );
    expect(rows).toHaveLength(shipped);
    for (const row of rows) {
      expect(row).toEqual({
        checksum: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        finished_at: expect.any(Number) as number,
        rolled_back_at: null,
        steps: 1,
      });
    }
  });

  it("rolls a migration back that fails half-way, and can run it again when it is mended", async () => {
    await migrate(url, silentLogger, migrations);
    await addMigration("29990101000000_second", "CREATE TABLE Extra (a TEXT); INSERT INTO Missing VALUES (1);");
    await expect(migrate(url, silentLogger, migrations)).rejects.toThrow(/Missing/);
    expect(await query("SELECT name FROM sqlite_master WHERE name = 'Extra'")).toEqual([]);
    expect(await applied()).toHaveLength(shipped);
    await addMigration("29990101000000_second", "CREATE TABLE Extra (a TEXT);");
    await migrate(url, silentLogger, migrations);
    expect(await applied()).toHaveLength(shipped + 1);
  });

  it("rolls back a migration that breaks references", async () => {
    await migrate(url, silentLogger, migrations);
    const sql = `INSERT INTO Segment (id, videoId, indexId, ordinal, startSeconds, endSeconds, pattern) VALUES ('s', 'none', 'x', 0, 0, 1, 1);`;
    await addMigration("29990101000000_second", sql);
    await expect(migrate(url, silentLogger, migrations)).rejects.toThrow();
    expect(await query("SELECT id FROM Segment")).toEqual([]);
  });

  it("applies a migration once when several processes start together", async () => {
    await addMigration(
      "29990101000000_second",
      "CREATE TABLE IF NOT EXISTS Extra (a INTEGER); INSERT INTO Extra VALUES (1);",
    );
    await Promise.all(Array.from({ length: 4 }, () => migrate(url, silentLogger, migrations)));
    expect(await query("SELECT a FROM Extra")).toEqual([{ a: 1 }]);
  });

  it("refuses a database of a newer version", async () => {
    await addMigration("29990101000000_second", "CREATE TABLE Extra (a TEXT);");
    await migrate(url, silentLogger, migrations);
    await expect(migrate(url, silentLogger, SHIPPED)).rejects.toMatchObject({ code: "CATALOG_SCHEMA_MISMATCH" });
  });

  it("refuses a migration that was changed after it was applied", async () => {
    await migrate(url, silentLogger, migrations);
    const name = (await readdir(SHIPPED)).find((entry) => /^\d/.test(entry));
    await addMigration(name!, "CREATE TABLE Other (a TEXT);");
    await expect(migrate(url, silentLogger, migrations)).rejects.toMatchObject({ code: "CATALOG_SCHEMA_MISMATCH" });
  });
});
