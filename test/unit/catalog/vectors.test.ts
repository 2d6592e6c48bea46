import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newId } from "../../../src/catalog/index.js";
import { addSegments, addVideo, openTestCatalog, type TestCatalog } from "../../fixtures/catalog.js";

let test: TestCatalog;
beforeEach(async () => {
  test = await openTestCatalog();
});
afterEach(() => test.end());

async function readAll(indexId: string) {
  const rows = [];
  for await (const page of test.catalog.vectors.read(indexId)) rows.push(...page);
  return rows;
}

describe("the vectors of the catalog", () => {
  it("come back bit by bit, over more than one page, each once", async () => {
    const video = await addVideo(test.catalog);
    await addSegments(test.catalog, video, "pack@1", 4500);
    const rows = await readAll("pack@1");
    expect(rows.map(({ vector }) => vector[0]).sort((a, b) => a! - b!)).toEqual(
      Array.from({ length: 4500 }, (_, i) => i),
    );
    expect(new Set(rows.map(({ vector }) => vector[1]))).toEqual(new Set([Math.fround(0.1)]));
    expect(rows[0]).toMatchObject({ videoId: video.id, tenant: "a", pattern: 3 });
  });

  it("are replaced, not doubled", async () => {
    const video = await addVideo(test.catalog);
    await addSegments(test.catalog, video, "pack@1", 5);
    await addSegments(test.catalog, video, "pack@1", 3);
    expect(await readAll("pack@1")).toHaveLength(3);
    expect(await test.catalog.segments.ofVideos("pack@1", [video.id])).toHaveLength(3);
  });

  it("of one index are apart from those of another", async () => {
    const video = await addVideo(test.catalog);
    await addSegments(test.catalog, video, "pack@1", 5);
    await addSegments(test.catalog, video, "pack@2", 2);
    expect(await readAll("pack@1")).toHaveLength(5);
    const before = await test.catalog.vectors.state("pack@1");
    await test.catalog.vectors.dropIndex("pack@1");
    expect(await test.catalog.vectors.state("pack@1")).toMatchObject({ index: null });
    expect(await test.catalog.vectors.changedSince("pack@1", 0)).toEqual([]);
    expect(await test.catalog.vectors.indexes()).toEqual([{ id: "pack@2", dimension: 2 }]);
    expect([await test.catalog.vectors.count("pack@1"), await test.catalog.vectors.count("pack@2")]).toEqual([0, 2]);
    await test.catalog.vectors.createIndex({ id: "pack@1", dimension: 2 });
    const { index } = await test.catalog.vectors.state("pack@1");
    expect(index?.dimension).toBe(2);
    expect(index).not.toEqual(before.index);
  });

  it("tell another process what changed", async () => {
    const [first, second] = [await addVideo(test.catalog), await addVideo(test.catalog)];
    await addSegments(test.catalog, first, "pack@1", 1);
    const other = await test.reopen();
    const { lastChange: seen } = await other.vectors.state("pack@1");
    expect(await other.vectors.changedSince("pack@1", seen)).toEqual([]);
    await addSegments(test.catalog, second, "pack@1", 1);
    await test.catalog.transaction((tx) => test.catalog.vectors.deleteOfVideo(tx, "pack@1", first.id));
    expect((await other.vectors.state("pack@1")).lastChange).toBeGreaterThan(seen);
    expect(await other.vectors.changedSince("pack@1", seen)).toEqual([second.id, first.id]);
    expect(await other.vectors.ofVideo("pack@1", first.id)).toEqual([]);
    expect(await other.vectors.ofVideo("pack@1", second.id)).toHaveLength(1);
  });

  it("need the segment they belong to", async () => {
    const video = await addVideo(test.catalog);
    await addSegments(test.catalog, video, "pack@1", 1);
    const stray = { segmentId: newId(), tenant: "a", pattern: 1, vector: Float32Array.of(1, 2) };
    const write = test.catalog.transaction((tx) =>
      test.catalog.vectors.replaceForVideo(tx, "pack@1", video.id, [stray]),
    );
    await expect(write).rejects.toThrow();
    expect(await readAll("pack@1")).toHaveLength(1);
  });
});
