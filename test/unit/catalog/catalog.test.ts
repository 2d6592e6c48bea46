import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newId } from "../../../src/catalog/index.js";
import { addVideo, openTestCatalog, type TestCatalog } from "../../fixtures/catalog.js";

let test: TestCatalog;
beforeEach(async () => {
  test = await openTestCatalog();
});
afterEach(() => test.end());

describe("a transaction of the catalog", () => {
  it("leaves nothing behind when its work throws", async () => {
    const { catalog } = test;
    const failing = catalog.transaction(async (tx) => {
      await catalog.videos.create(tx, {
        tenant: "a",
        externalId: null,
        title: null,
        metadata: null,
        sourceName: "a",
        source: { kind: "path", path: "/a" },
      });
      throw new Error("on purpose");
    });
    await expect(failing).rejects.toThrow("on purpose");
    expect(await catalog.videos.count("a", {})).toBe(0);
    await addVideo(catalog);
    expect(await catalog.videos.count("a", {})).toBe(1);
  });

  it("does not hold up readers, who see what was there before", async () => {
    const { catalog } = test;
    const counts: number[] = [];
    await catalog.transaction(async (tx) => {
      await tx.prisma.vectorIndexRow.create({ data: { id: "x@1", dimension: 1 } });
      counts.push((await catalog.vectors.indexes()).length);
    });
    counts.push((await catalog.vectors.indexes()).length);
    expect(counts).toEqual([0, 1]);
  });
});

describe("ids", () => {
  it("are UUIDs of version 7 that sort by time", () => {
    const ids = [1, 1e6, 1e12, Date.now()].map((time) => newId(time));
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(Array.from({ length: 1000 }, () => newId())).size).toBe(1000);
  });
});
