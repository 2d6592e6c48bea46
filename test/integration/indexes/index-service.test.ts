import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { IndexService } from "../../../src/indexes/index.js";
import type { VectorIndex } from "../../../src/vectors/index.js";
import { createLocalVectorIndex } from "../../../src/vectors/local/index.js";
import { addSegments, addVideo, openTestCatalog, type TestCatalog } from "../../fixtures/catalog.js";
import { recordedLog } from "../../fixtures/recorded-log.js";
import { TINY_PACK } from "../../fixtures/tiny-pack.js";
import { silentLogger } from "../../fixtures/tools.js";

let test: TestCatalog;
let local: VectorIndex;
beforeEach(async () => {
  test = await openTestCatalog();
  local = await createLocalVectorIndex(test.catalog, recordedLog());
  await test.catalog.liveIndex.begin("live@1");
});
afterEach(async () => {
  await local.close();
  await test.end();
});

function serviceOf(vectors: VectorIndex = local): IndexService {
  const live = { look: () => Promise.resolve(), runtime: { pack: { id: "live@1" } } as never };
  const places = { modelPack: TINY_PACK, modelPackRoots: [] };
  return new IndexService({ catalog: test.catalog, vectors, live, places, logger: silentLogger });
}

/** Builds an index, and gives what changes over to it. */
async function build(indexId: string): Promise<() => Promise<boolean>> {
  const catalog = await test.reopen();
  await local.create({ id: indexId, dimension: 2 });
  const order = { indexId, fromIndexId: null, swapAutomatically: true, requestId: null };
  const { id } = await catalog.transaction((tx) => catalog.reindexes.create(tx, order));
  return () =>
    catalog.transaction(async (tx) => {
      const before = (await catalog.liveIndex.find(tx)) ?? "";
      await catalog.reindexes.change(tx, id, ["RUNNING"], { state: "COMPLETED" });
      return catalog.liveIndex.change(tx, before, indexId);
    });
}

describe("the removal of an index", () => {
  it("is refused as long as the index is being built or in use, also when searches change over at that moment", async () => {
    const service = serviceOf();
    for (let n = 0; n < 10; n++) {
      const indexId = `next@${n}`;
      const swap = await build(indexId);
      await expect(service.drop(indexId)).rejects.toMatchObject({ code: "INDEX_IN_USE" });
      const [dropped, swapped] = await Promise.allSettled([service.drop(indexId), swap()]);
      expect(dropped).toMatchObject({ status: "rejected", reason: { code: "INDEX_IN_USE" } });
      expect(swapped).toEqual({ status: "fulfilled", value: true });
    }
    expect(await test.catalog.vectorWrites.countByState()).toMatchObject({ DROPPED: 0 });
    expect((await local.list()).map(({ id }) => id)).toContain("next@9");
  });

  it("rids the catalog of an index that another engine had", async () => {
    const { catalog } = test;
    await addSegments(catalog, await addVideo(catalog), "old@1", 3);
    // An engine that was never told of it.
    const other = Object.assign(Object.create(local) as VectorIndex, {
      list: () => Promise.resolve([]),
      drop: () => Promise.resolve(),
    });
    await serviceOf(other).drop("old@1");
    expect(await catalog.segments.count("old@1")).toBe(0);
    expect(await catalog.vectors.findIndex("old@1")).toBeNull();
    await expect(serviceOf(other).drop("old@1")).rejects.toMatchObject({ code: "VECTOR_INDEX_NOT_FOUND" });
  });
});
