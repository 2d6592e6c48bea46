import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newId, type VideoRecord } from "../../../src/catalog/index.js";
import { addVideo, openTestCatalog, type TestCatalog } from "../../fixtures/catalog.js";

const INDEX = "pack@1";

let test: TestCatalog;
let video: VideoRecord;
beforeEach(async () => {
  test = await openTestCatalog();
  video = await addVideo(test.catalog);
});
afterEach(() => test.end());

const writes = () => test.catalog.vectorWrites;

/** Announces points for the video. */
async function stage(leaseSeconds = 60): Promise<string> {
  const id = newId();
  await writes().stage({ id, indexId: INDEX, tenant: "a", videoId: video.id }, leaseSeconds);
  return id;
}

/** Commits them, with a segment. */
function commit(generation: string): Promise<void> {
  const contents = { indexId: INDEX, videoId: video.id, tenant: "a", generation, mediaVersion: new Date(0) };
  const rows = [{ id: newId(), ordinal: 0, startSeconds: 0, endSeconds: 2, pattern: 1 }];
  return test.catalog.transaction(async (tx) => {
    await test.catalog.segments.replaceForVideo(tx, contents, rows);
    return writes().markReplaced(tx, generation);
  });
}

const live = async () => (await test.catalog.indexedVideos.generations(INDEX, [video.id])).get(video.id);

describe("points that are being written", () => {
  it("stand in the outbox before they are, and are kept while their writer is heard of", async () => {
    const id = await stage(0);
    expect(await writes().ofVideos(INDEX, [video.id])).toEqual([
      { id, indexId: INDEX, tenant: "a", videoId: video.id, state: "STAGED" },
    ]);
    expect(await writes().extend(id, 60)).toBe(true);
    expect(await writes().takeDue(10, 60)).toEqual([]);
  });

  it("are given up when their writer is not heard of, and can then not be committed", async () => {
    const id = await stage(0);
    expect(await writes().takeDue(10, 60)).toMatchObject([{ id, state: "ABANDONED" }]);
    expect(await writes().extend(id, 60)).toBe(false);
    await expect(commit(id)).rejects.toMatchObject({ code: "VECTOR_STAGE_LOST", retryable: true });
    expect(await live()).toBeUndefined();
    await writes().remove(id);
    await expect(commit(id)).rejects.toMatchObject({ code: "VECTOR_STAGE_LOST" });
    expect(await test.catalog.segments.count(INDEX)).toBe(0);
  });

  it("are dead once abandoned, but not when they had been committed", async () => {
    const first = await stage();
    expect(await writes().abandon(first, INDEX, video.id)).toBe(true);
    expect(await writes().abandon(first, INDEX, video.id)).toBe(true);
    await expect(commit(first)).rejects.toMatchObject({ code: "VECTOR_STAGE_LOST" });
    await writes().remove(first);
    expect(await writes().abandon(first, INDEX, video.id)).toBe(true);

    const second = await stage();
    await commit(second);
    expect(await writes().abandon(second, INDEX, video.id)).toBe(false);
    await writes().remove(second);
    expect(await writes().abandon(second, INDEX, video.id)).toBe(false);
  });
});

describe("a committed write", () => {
  it("stands in the outbox until the points before it are removed", async () => {
    const [first, second] = [await stage(), await stage()];
    await commit(first);
    await commit(second);
    expect(await live()).toBe(second);
    expect(await writes().countByState()).toEqual({ STAGED: 0, ABANDONED: 0, REPLACED: 2, DELETED: 0, DROPPED: 0 });
    for (const id of [first, second, second]) await writes().remove(id);
    expect(await writes().ofVideos(INDEX, [video.id])).toEqual([]);
  });

  it("leaves nothing changed when its transaction is rolled back, and can be committed again", async () => {
    const [first, second] = [await stage(), await stage()];
    await commit(first);
    const failing = test.catalog.transaction(async (tx) => {
      await writes().markReplaced(tx, second);
      throw new Error("on purpose");
    });
    await expect(failing).rejects.toThrow("on purpose");
    expect(await live()).toBe(first);
    await commit(second);
    expect(await live()).toBe(second);
  });

  it("is left to its own process for a while", async () => {
    await commit(await stage(0));
    expect(await writes().takeDue(10, 60)).toEqual([]);
  });
});

describe("the deletion of a video", () => {
  it("is noted with its tenant, and outlives it", async () => {
    const id = await test.catalog.transaction(async (tx) => {
      const row = await writes().markDeleted(tx, INDEX, video.id);
      await test.catalog.videos.delete(tx, "a", video.id);
      return row;
    });
    expect(await writes().ofVideos(INDEX, [video.id])).toMatchObject([{ id, tenant: "a", state: "DELETED" }]);
  });

  it("has nothing to note when there is no such video", async () => {
    expect(await test.catalog.transaction((tx) => writes().markDeleted(tx, INDEX, "unknown"))).toBeNull();
    expect(await writes().countByState()).toMatchObject({ DELETED: 0 });
  });
});

describe("the removal of an index", () => {
  const mark = (leaseSeconds = 60) => test.catalog.transaction((tx) => writes().markDropped(tx, INDEX, leaseSeconds));

  it("is noted once, and strikes off everything else that was to be done there", async () => {
    await stage();
    const id = (await mark())!;
    expect(await mark()).toBeNull();
    expect([await writes().findDropped(INDEX), await writes().findDropped("other@1")]).toEqual([id, null]);
    expect(await writes().countByState()).toEqual({ STAGED: 1, ABANDONED: 0, REPLACED: 0, DELETED: 0, DROPPED: 1 });
    await writes().removeOfIndex(INDEX);
    expect(await writes().ofVideos(INDEX, [video.id])).toEqual([{ id, indexId: INDEX, state: "DROPPED" }]);
    await writes().remove(id);
    expect(await writes().findDropped(INDEX)).toBeNull();
  });

  it("is taken up by one process when the one that began it is not heard of", async () => {
    const id = (await mark(60))!;
    expect(await writes().takeUp(id, 60)).toBe(false);
    await writes().renew(id, -1);
    expect([await writes().takeUp(id, 60), await writes().takeUp(id, 60)]).toEqual([true, false]);
  });
});

describe("what processes have left undone", () => {
  it("is taken up by one process only, the longest waiting first", async () => {
    const other = await test.reopen();
    const ids = [await stage(-30), await stage(-20), await stage(-10)];
    const first = await writes().takeDue(2, 60);
    expect(first.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const shared = await Promise.all([other.vectorWrites.takeDue(5, 60), writes().takeDue(5, 60)]);
    expect(shared.flat().map(({ id }) => id)).toEqual(ids.slice(2));
  });

  it("is taken up again when it still stands after its lease", async () => {
    const id = await stage(0);
    expect(await writes().takeDue(5, 0)).toMatchObject([{ id }]);
    expect(await writes().takeDue(5, 60)).toMatchObject([{ id, state: "ABANDONED" }]);
    expect(await writes().takeDue(5, 60)).toEqual([]);
  });
});
