import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addSegments, addVideo, openTestCatalog, type TestCatalog } from "../../fixtures/catalog.js";

let test: TestCatalog;
beforeEach(async () => {
  test = await openTestCatalog();
});
afterEach(() => test.end());

describe("what an index holds of videos", () => {
  it("is known by video, with a new generation after each write", async () => {
    const { catalog } = test;
    const [first, second] = [await addVideo(catalog), await addVideo(catalog)];
    await addSegments(catalog, first, "pack@1", 3);
    const before = await catalog.indexedVideos.generations("pack@1", [first.id, second.id]);
    expect([...before.keys()]).toEqual([first.id]);
    await addSegments(catalog, first, "pack@1", 2);
    const after = await catalog.indexedVideos.generations("pack@1", [first.id]);
    expect(after.get(first.id)).not.toBe(before.get(first.id));
    expect(await catalog.indexedVideos.count("pack@1")).toEqual({ videos: 1, segments: 2 });
    expect(await catalog.indexedVideos.count("none@1")).toEqual({ videos: 0, segments: 0 });
  });

  it("is read page by page in the order of ids", async () => {
    const { catalog } = test;
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      const video = await addVideo(catalog);
      await addSegments(catalog, video, "pack@1", n + 1);
      ids.push(video.id);
    }
    const pages = [];
    for await (const page of catalog.indexedVideos.read("pack@1", 2)) pages.push(page);
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat().map(({ videoId, segmentCount }) => [videoId, segmentCount])).toEqual(
      ids.sort().map((id, n) => [id, n + 1]),
    );
  });

  it("goes with the video", async () => {
    const { catalog } = test;
    const video = await addVideo(catalog);
    for (const index of ["pack@2", "pack@1"]) await addSegments(catalog, video, index, 1);
    const indexes = await catalog.transaction(async (tx) => {
      const found = await catalog.indexedVideos.indexesOf(tx, video.id);
      await catalog.videos.delete(tx, video.tenant, video.id);
      return found;
    });
    expect(indexes).toEqual(["pack@1", "pack@2"]);
    expect(await catalog.indexedVideos.count("pack@1")).toEqual({ videos: 0, segments: 0 });
  });

  it("can be removed part by part of one index, with its segments and vectors, and of no other", async () => {
    const { catalog } = test;
    for (let n = 0; n < 3; n++) await addSegments(catalog, await addVideo(catalog), "pack@1", 1);
    await addSegments(catalog, await addVideo(catalog), "pack@2", 4);
    const parts = [];
    while (await catalog.indexedVideos.removeSome("pack@1", { videos: 2, segments: 100 }))
      parts.push((await catalog.indexedVideos.count("pack@1")).videos);
    expect(parts).toEqual([1, 0]);
    expect(await catalog.indexedVideos.count("pack@1")).toEqual({ videos: 0, segments: 0 });
    expect([await catalog.segments.count("pack@1"), await catalog.vectors.count("pack@1")]).toEqual([0, 0]);
    expect(await catalog.indexedVideos.count("pack@2")).toEqual({ videos: 1, segments: 4 });
    expect(await catalog.segments.count("pack@2")).toBe(4);
  });

  it("is removed in parts of so many segments, but one video at a time at least", async () => {
    const { catalog } = test;
    for (let n = 0; n < 5; n++) await addSegments(catalog, await addVideo(catalog), "pack@1", 3);
    const left = [];
    for (const segments of [6, 8, 1, 100]) {
      await catalog.indexedVideos.removeSome("pack@1", { videos: 200, segments });
      left.push(await catalog.segments.count("pack@1"));
    }
    expect(left).toEqual([9, 3, 0, 0]);
  });
});
