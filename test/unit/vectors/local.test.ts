import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCatalog, type Catalog } from "../../../src/catalog/index.js";
import { createLogger } from "../../../src/config/index.js";
import type { VectorIndex } from "../../../src/vectors/index.js";
import { createLocalVectorIndex } from "../../../src/vectors/local/index.js";
import { databaseOf, removeDatabaseOf } from "../../fixtures/database.js";
import { recordedLog, type RecordedLog } from "../../fixtures/recorded-log.js";
import { describeVectorIndex, Library } from "./contract.js";

const folders: string[] = [];

async function newDatabase(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "earshot-vectors-"));
  folders.push(folder);
  return databaseOf(folder);
}

const open = (databaseUrl: string) => openCatalog({ databaseUrl }, createLogger("silent"));

async function cleanUp(): Promise<void> {
  for (const folder of folders.splice(0)) {
    await removeDatabaseOf(folder);
    await rm(folder, { recursive: true });
  }
}

describeVectorIndex("the local engine", {
  openCatalog: async () => open(await newDatabase()),
  open: (catalog) => createLocalVectorIndex(catalog, recordedLog()),
  cleanUp,
});

describe("the local engine", { timeout: 60_000 }, () => {
  let databaseUrl: string;
  let closers: (() => Promise<void>)[] = [];
  let started: Worker[] = [];
  const remember = (worker: Worker) => started.push(worker);

  beforeEach(async () => {
    databaseUrl = await newDatabase();
    started = [];
    process.on("worker", remember);
  });
  afterEach(async () => {
    process.off("worker", remember);
    for (const close of closers.reverse()) await close();
    closers = [];
    await cleanUp();
  });

  /** What one process has: a catalog and an engine on the database. */
  async function start(
    log: RecordedLog = recordedLog(),
  ): Promise<{ catalog: Catalog; index: VectorIndex; library: Library }> {
    const catalog = await open(databaseUrl);
    const index = await createLocalVectorIndex(catalog, log);
    closers.push(
      () => catalog.close(),
      () => index.close(),
    );
    const library = new Library(catalog, index);
    await index.create({ id: library.indexId, dimension: 3 });
    return { catalog, index, library };
  }

  it("finds after a restart what was stored before", async () => {
    const first = await start();
    await first.library.add([{ id: "a", vector: [1, 0.5, 0] }]);
    await first.index.close();
    const { library } = await start();
    expect(await library.query([1, 1, 0])).toEqual([expect.objectContaining({ segmentId: "a", score: 1.5 })]);
  });

  it("follows the writes of another process with the same database", async () => {
    const server = await start();
    const videoId = await server.library.add([{ id: "a", vector: [1, 0, 0] }]);
    expect(await server.library.ids([1, 0, 0])).toEqual(["a"]);

    const commandLine = await start();
    await commandLine.library.add([{ id: "b", vector: [2, 0, 0] }]);
    expect(await server.library.ids([1, 0, 0])).toEqual(["b", "a"]);

    await commandLine.library.store(videoId, [{ id: "c", vector: [3, 0, 0] }]);
    expect(await server.library.ids([1, 0, 0])).toEqual(["c", "b"]);

    await commandLine.library.store(videoId, []);
    expect(await server.library.ids([1, 0, 0])).toEqual(["b"]);
    expect(await server.index.count(server.library.indexId)).toBe(1);
  });

  it("reads nothing into memory for writes alone", async () => {
    const { library, index } = await start();
    await library.add([{ id: "a", vector: [1, 0, 0] }]);
    expect(await index.list()).toEqual([{ id: library.indexId, dimension: 3, count: 1, patterns: [1] }]);
    expect(started).toHaveLength(0);
    await index.load(library.indexId);
    expect(started).toHaveLength(1);
  });

  it("reads an index once, however many queries come at the beginning", async () => {
    const log = recordedLog();
    const { library } = await start(log);
    await library.add([{ id: "a", vector: [1, 0, 0] }]);
    const answers = await Promise.all(Array.from({ length: 5 }, () => library.ids([1, 0, 0])));
    expect(answers).toEqual(Array.from({ length: 5 }, () => ["a"]));
    expect(log.lines.filter(({ message }) => message.includes("in memory"))).toHaveLength(1);
  });

  it("lets a video go that is in an index of another engine", async () => {
    const { catalog, index, library } = await start();
    const videoId = await library.video();
    const write = await catalog.transaction((tx) => index.deleteVideo("elsewhere@1", videoId, tx));
    await write.publish();
  });

  it("forgets an index that another process removes, and reads it anew when it is made again", async () => {
    const server = await start();
    await server.library.add([{ id: "a", vector: [1, 0, 0] }]);
    expect(await server.library.ids([1, 0, 0])).toEqual(["a"]);
    const { indexId } = server.library;
    const commandLine = await start();
    await commandLine.index.drop(indexId);
    await expect(server.library.ids([1, 0, 0])).rejects.toMatchObject({ code: "VECTOR_INDEX_NOT_FOUND" });

    await commandLine.index.create({ id: indexId, dimension: 3 });
    await commandLine.library.add([{ id: "b", vector: [1, 0, 0] }]);
    expect(await server.library.ids([1, 0, 0])).toEqual(["b"]);

    await commandLine.index.drop(indexId);
    await commandLine.index.create({ id: indexId, dimension: 2 });
    await commandLine.library.add([{ id: "c", vector: [1, 0] }]);
    await expect(server.library.ids([1, 0, 0])).rejects.toMatchObject({ code: "VECTOR_DIMENSION_MISMATCH" });
    expect(await server.library.ids([1, 0])).toEqual(["c"]);
  });

  it("gives back the memory of an index, and takes it again for the next search", async () => {
    const log = recordedLog();
    const { library, index } = await start(log);
    await library.add([{ id: "a", vector: [1, 0, 0] }]);
    const reads = () => log.lines.filter(({ message }) => message.includes("in memory")).length;
    // Whatever is asked at that moment is answered.
    const asked = Promise.all([library.ids([1, 0, 0]), index.unload(library.indexId), library.ids([1, 0, 0])]);
    expect(await asked).toEqual([["a"], undefined, ["a"]]);
    await index.unload(library.indexId);
    const before = reads();
    expect(await library.ids([1, 0, 0])).toEqual(["a"]);
    expect(reads()).toBe(before + 1);
  });

  it("goes on after its thread was lost", async () => {
    const log = recordedLog();
    const { library, index } = await start(log);
    await library.add([{ id: "a", vector: [1, 0, 0] }]);
    await library.ids([1, 0, 0]);
    const lost = expect(library.ids([1, 0, 0])).rejects.toMatchObject({
      code: "VECTOR_INDEX_UNAVAILABLE",
      retryable: true,
    });
    await started[0]!.terminate();
    await lost;
    await library.add([{ id: "b", vector: [2, 0, 0] }]);
    expect(await library.ids([1, 0, 0])).toEqual(["b", "a"]);
    expect(await index.health()).toEqual({ ok: true });
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: "warn", message: expect.stringContaining("lost") as string }),
    );
  });

  it("gives a vector the same score wherever it is stored and whatever else is asked", async () => {
    const { library, index, catalog } = await start();
    const dimension = 37;
    await index.create({ id: "odd@1", dimension });
    const odd = new Library(catalog, index, "odd@1");
    const vector = Array.from({ length: dimension }, (_, d) => Math.sin(d) / 3);
    const query = Array.from({ length: dimension }, (_, d) => Math.cos(3 * d) / 7);
    const ids: string[] = [];
    for (const [video, size] of [1, 7, 64, 150].entries()) {
      ids.push(await odd.add(Array.from({ length: size }, (_, s) => ({ id: `v${video}-${s}`, vector }))));
    }
    const scores = new Set([
      ...(await odd.query(query, { limit: 1000 })).map(({ score }) => score),
      ...(await odd.query(query, { limit: 3, videoIds: [ids[3]!] })).map(({ score }) => score),
    ]);
    expect(scores.size).toBe(1);
    expect(library.indexId).not.toBe(odd.indexId);
  });
});
