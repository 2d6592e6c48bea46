import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newId, type Catalog } from "../../../src/catalog/index.js";
import type { Logger } from "../../../src/config/index.js";
import { VectorIndexNotFoundError, VectorIndexUnavailableError } from "../../../src/errors.js";
import { createIndex, dropIndex, VectorUpkeep, type UpkeepTimes } from "../../../src/indexes/index.js";
import type { VectorIndex } from "../../../src/vectors/index.js";
import { createLocalVectorIndex } from "../../../src/vectors/local/index.js";
import { addSegments, addVideo, endLeases, openTestCatalog, type TestCatalog } from "../../fixtures/catalog.js";
import { recordedLog, type RecordedLog } from "../../fixtures/recorded-log.js";

const INDEX = "pack@1";

let test: TestCatalog;
let local: VectorIndex;
let log: RecordedLog;
/** Videos that were swept, in turn. */
let swept: string[];
/** What the engine throws at a sweep of a video; nothing when it works. */
let failure: (videoId: string) => Error | undefined;
/** Told after each sweep, whether it failed or not. */
let onSweep: () => void;
const started: VectorUpkeep[] = [];

beforeEach(async () => {
  test = await openTestCatalog();
  log = recordedLog();
  local = await createLocalVectorIndex(test.catalog, log);
  await local.create({ id: INDEX, dimension: 2 });
  swept = [];
  failure = () => undefined;
  onSweep = () => undefined;
});
afterEach(async () => {
  for (const upkeep of started.splice(0)) await upkeep.stop();
  await local.close();
  await test.end();
});

/** The local engine, which has nothing to sweep; it tells what it is asked to, and can be away. */
function engine(changes: Partial<VectorIndex> = {}): VectorIndex {
  const sweepVideo = (_: string, videoId: string) => {
    swept.push(videoId);
    const error = failure(videoId);
    onSweep();
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  };
  return Object.assign(Object.create(local) as VectorIndex, { sweepVideo }, changes);
}

function newUpkeep(times: Partial<UpkeepTimes> = {}, catalog: Catalog = test.catalog, vectors = engine()) {
  const upkeep = new VectorUpkeep({ catalog, vectors, logger: log as unknown as Logger }, times);
  started.push(upkeep);
  return upkeep;
}

/** Points of a writer that was never heard of again. */
async function leaveStaged(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId());
  for (const videoId of ids)
    await test.catalog.vectorWrites.stage({ id: newId(), indexId: INDEX, tenant: "a", videoId }, 0);
  return ids;
}

const outstanding = async () =>
  Object.values(await test.catalog.vectorWrites.countByState()).reduce((sum, count) => sum + count, 0);
const away = () => new VectorIndexUnavailableError("The vector engine does not answer.");
const messages = (level: string) => log.lines.filter((line) => line.level === level).map(({ message }) => message);

describe("the upkeep of a vector engine", () => {
  it("removes what writers left behind, more than a batch of it, and strikes it off", async () => {
    const ids = await leaveStaged(40);
    expect(await newUpkeep().run()).toBe(40);
    expect(swept.sort()).toEqual(ids.sort());
    expect(await outstanding()).toBe(0);
  });

  it("leaves alone what a process still works on", async () => {
    await test.catalog.vectorWrites.stage({ id: newId(), indexId: INDEX, tenant: "a", videoId: "v" }, 60);
    expect(await newUpkeep().run()).toBe(0);
    expect(swept).toEqual([]);
    expect(await outstanding()).toBe(1);
  });

  it("is shared by processes, each thing done once", async () => {
    const ids = await leaveStaged(9);
    const other = newUpkeep({}, await test.reopen());
    const done = await Promise.all([newUpkeep().run(), other.run()]);
    expect(done[0] + done[1]).toBe(9);
    expect(swept.sort()).toEqual(ids.sort());
  });

  it("stops at an engine that is away, and forgets nothing", async () => {
    await leaveStaged(3);
    failure = away;
    await expect(newUpkeep({ lease: 0 }).run()).rejects.toMatchObject({ code: "VECTOR_INDEX_UNAVAILABLE" });
    expect(swept).toHaveLength(1);
    failure = () => undefined;
    expect(await newUpkeep().run()).toBe(3);
    expect(await outstanding()).toBe(0);
  });

  it("goes on by itself when the engine is back, and tells of the outage once", async () => {
    await leaveStaged(1);
    failure = away;
    const times = { interval: 0.001, longestPause: 0.002, lease: 0 };
    const seen = new Promise<void>((resolve) => {
      onSweep = () => {
        if (swept.length === 3) failure = () => undefined;
        if (swept.length === 4) resolve();
      };
    });
    const upkeep = newUpkeep(times);
    upkeep.start();
    await seen;
    await upkeep.stop();
    expect(await outstanding()).toBe(0);
    expect(messages("error")).toEqual(["the upkeep of the vector index pauses"]);
    expect(messages("info")).toContain("the upkeep of the vector index goes on");
  });

  it("does the rest when one thing cannot be done, and complains of that once", async () => {
    const [broken = "", ...others] = await leaveStaged(3);
    failure = (videoId) => (videoId === broken ? new VectorIndexNotFoundError("There is none.") : undefined);
    const upkeep = newUpkeep({ lease: 0 });
    expect([await upkeep.run(), await upkeep.run()]).toEqual([2, 0]);
    expect(swept).toEqual([broken, ...others, broken]);
    expect(messages("error")).toHaveLength(1);
    expect(await outstanding()).toBe(1);
  });
});

describe("the removal of an index", () => {
  /** Begins a removal that breaks off, the engine being away. */
  const breakOff = async () => {
    const vectors = engine({ drop: () => Promise.reject(away()) });
    await expect(dropIndex({ catalog: test.catalog, vectors }, INDEX)).rejects.toThrow();
    await endLeases(test.catalog);
  };

  const rows = async (indexId: string) => [
    (await test.catalog.indexedVideos.count(indexId)).videos,
    await test.catalog.segments.count(indexId),
    await test.catalog.vectors.count(indexId),
  ];

  beforeEach(async () => {
    for (let n = 0; n < 3; n++) await addSegments(test.catalog, await addVideo(test.catalog), INDEX, 2);
    await addSegments(test.catalog, await addVideo(test.catalog), "kept@1", 1);
    await leaveStaged(2);
  });

  it("leaves no row of it, and all of the others", async () => {
    await dropIndex({ catalog: test.catalog, vectors: local }, INDEX);
    expect(await rows(INDEX)).toEqual([0, 0, 0]);
    expect(await rows("kept@1")).toEqual([1, 1, 1]);
    expect((await local.list()).map(({ id }) => id)).toEqual(["kept@1"]);
    expect(await outstanding()).toBe(0);
  });

  it("that broke off is finished by the upkeep", async () => {
    const catalog = test.catalog;
    await expect(
      dropIndex({ catalog, vectors: engine({ drop: () => Promise.reject(away()) }) }, INDEX),
    ).rejects.toThrow();
    expect((await local.list()).map(({ id }) => id)).toEqual(["kept@1", INDEX]);
    await endLeases(test.catalog);
    await newUpkeep().run();
    expect(await rows(INDEX)).toEqual([0, 0, 0]);
    expect((await local.list()).map(({ id }) => id)).toEqual(["kept@1"]);
    expect(await outstanding()).toBe(0);
  });

  it("keeps nothing else waiting when it fails", async () => {
    await breakOff();
    const vectors = engine({ drop: () => Promise.reject(away()) });
    expect(await newUpkeep({}, test.catalog, vectors).run()).toBe(2);
    expect(swept).toHaveLength(2);
    expect(await test.catalog.vectorWrites.countByState()).toMatchObject({ STAGED: 0, ABANDONED: 0, DROPPED: 1 });
    expect(messages("error")).toHaveLength(1);
  });

  it("ends between two steps when the process does, and is finished by another one", async () => {
    await breakOff();
    let stopped: Promise<void> | undefined;
    const drop = async (id: string) => {
      stopped = upkeep.stop();
      await local.drop(id);
    };
    const upkeep = newUpkeep({}, test.catalog, engine({ drop }));
    await upkeep.run();
    await stopped;
    expect((await test.catalog.vectorWrites.countByState()).DROPPED).toBe(1);
    await endLeases(test.catalog);
    await newUpkeep().run();
    expect(await outstanding()).toBe(0);
  });

  it("is waited for by who makes the index anew, as long as another process is at it", async () => {
    const { catalog } = test;
    const dropped: string[] = [];
    let made: Promise<void> | undefined;
    const drop = async (id: string) => {
      dropped.push(id);
      made ??= createIndex({ catalog, vectors: engine({ drop }) }, { id: INDEX, dimension: 4 });
      await local.drop(id);
    };
    await dropIndex({ catalog, vectors: engine({ drop }) }, INDEX);
    await made;
    expect(dropped).toEqual([INDEX]);
    expect(await local.list()).toContainEqual({ id: INDEX, dimension: 4, count: 0, patterns: [] });
  });

  it("takes along what was committed while it went on", async () => {
    const video = await addVideo(test.catalog);
    const drop = async (id: string) => {
      await addSegments(test.catalog, video, id, 1);
      await local.drop(id);
    };
    await dropIndex({ catalog: test.catalog, vectors: engine({ drop }) }, INDEX);
    expect(await rows(INDEX)).toEqual([0, 0, 0]);
  });

  it("comes to its end before the index is made anew", async () => {
    const catalog = test.catalog;
    await expect(
      dropIndex({ catalog, vectors: engine({ drop: () => Promise.reject(away()) }) }, INDEX),
    ).rejects.toThrow();
    // The engine might still do what it was asked to, for as long as the lease is.
    await endLeases(test.catalog);
    await createIndex({ catalog, vectors: local }, { id: INDEX, dimension: 4 });
    expect(await local.list()).toContainEqual({ id: INDEX, dimension: 4, count: 0, patterns: [] });
    await endLeases(test.catalog);
    expect(await newUpkeep().run()).toBe(0);
    expect(await local.list()).toHaveLength(2);
  });
});
