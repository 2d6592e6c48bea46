import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCatalog } from "../../../../src/catalog/index.js";
import { openTestCatalog, type TestCatalog } from "../../../fixtures/catalog.js";
import { silentLogger } from "../../../fixtures/tools.js";

let test: TestCatalog;
beforeEach(async () => {
  test = await openTestCatalog();
});
afterEach(() => test.end());

describe("a transaction in a file", () => {
  it("waits for one of another connection instead of failing", async () => {
    const other = await test.reopen();
    const order: string[] = [];
    let second: Promise<unknown> = Promise.resolve();
    await test.catalog.transaction(async (tx) => {
      await tx.prisma.vectorIndexRow.create({ data: { id: "first@1", dimension: 1 } });
      second = other.vectors.createIndex({ id: "second@1", dimension: 1 }).then(() => order.push("second"));
      // Enough turns for the other to meet the lock several times.
      for (let i = 0; i < 50; i++)
        await tx.prisma.vectorIndexRow.create({ data: { id: `first@1-${i}`, dimension: 1 } });
      order.push("first");
    });
    await second;
    expect(order).toEqual(["first", "second"]);
    expect(await other.vectors.indexes()).toHaveLength(52);
  });

  it("that wrote half of its rows when the disk was full is rolled back, and says so", async () => {
    const { catalog } = test;
    const failing = catalog.transaction(async (tx) => {
      await tx.execute("PRAGMA max_page_count = 100", []);
      for (let i = 0; i < 2000; i++) {
        await tx.execute("INSERT INTO VectorIndex (id, dimension, createdAt) VALUES (?, 1, 'now')", [
          `${i}${"x".repeat(4000)}`,
        ]);
      }
    });
    await expect(failing).rejects.toMatchObject({ code: "CATALOG_WRITE_FAILED", retryable: true });
    expect(await catalog.vectors.indexes()).toEqual([]);
  });
});

describe("opening a catalog", () => {
  it("makes the folder, and says what to check when it cannot", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "earshot-open-"));
    try {
      const catalog = await openCatalog({ databaseUrl: `file:${folder}/deep/er/x.db` }, silentLogger);
      expect(await catalog.health()).toEqual({ ok: true });
      await catalog.close();
      const noDatabase = path.join(folder, "notes.db");
      await writeFile(noDatabase, "These are notes, and no database at all. ".repeat(100));
      await expect(openCatalog({ databaseUrl: `file:${noDatabase}` }, silentLogger)).rejects.toMatchObject({
        code: "CATALOG_UNAVAILABLE",
      });
      const inTheWay = path.join(folder, "file");
      await writeFile(inTheWay, "");
      await expect(openCatalog({ databaseUrl: `file:${inTheWay}/x.db` }, silentLogger)).rejects.toMatchObject({
        code: "CATALOG_UNAVAILABLE",
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
