import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { EarshotError } from "../../../src/errors.js";
import type { VectorPoint } from "../../../src/vectors/index.js";
import type { QdrantSettings } from "../../fixtures/qdrant/engine.js";
import { openQdrantLibrary, type QdrantLibrary } from "../../fixtures/qdrant/library.js";
import type { FakeQdrantOptions } from "../../fixtures/qdrant/server.js";

const UPSERT = /^PUT .*\/points$/;
const DELETE = /\/points\/delete$/;
const SEARCH = /\/query\/batch$/;

const opened: QdrantLibrary[] = [];
afterEach(async () => {
  for (const { end } of opened.splice(0)) await end();
});

async function start(settings: QdrantSettings = {}, server: FakeQdrantOptions = {}): Promise<QdrantLibrary> {
  const parts = await openQdrantLibrary(settings, server);
  opened.push(parts);
  return parts;
}

const failing = (promise: Promise<unknown>): Promise<EarshotError> =>
  promise.then(
    () => expect.unreachable("it succeeded"),
    (error: unknown) => error as EarshotError,
  );

/** All that the engine holds, dead points included: their number. */
async function held({ index, library }: QdrantLibrary): Promise<number> {
  let points = 0;
  for await (const batch of index.contents(library.indexId)) for (const entry of batch) points += entry.points;
  return points;
}

const point = (videoId: string, ordinal: number): VectorPoint => ({
  segmentId: `${videoId}-${ordinal}`,
  videoId,
  tenant: "default",
  ordinal,
  pattern: 1,
  vector: Float32Array.of(1, ordinal, 0),
});

describe("a Qdrant server that cannot be used", { timeout: 60_000 }, () => {
  it("which is down is said to be, and is used again when it is back", async () => {
    const { server, url, library, index } = await start();
    await library.add([{ id: "a", vector: [1, 0, 0] }]);
    await server.stop();
    const error = await failing(library.ids([1, 0, 0]));
    expect(error).toMatchObject({ code: "VECTOR_INDEX_UNAVAILABLE", retryable: true });
    expect(error.message).toContain("cannot be reached");
    expect(error.message).not.toContain("127.0.0.1");
    expect(await index.health()).toMatchObject({ ok: false, message: expect.stringContaining("reached") as string });
    await server.restart(url);
    expect(await library.ids([1, 0, 0])).toEqual(["a"]);
    expect(await index.health()).toEqual({ ok: true });
  });

  it("which refuses the key is asked once; the key is in no message and no log", async () => {
    const { server, open, library, log } = await start({ apiKey: "right" }, { apiKey: "right" });
    const mistaken = await open({ apiKey: "secret-but-wrong" });
    const before = server.requests.length;
    const error = await failing(mistaken.count(library.indexId));
    expect(error).toMatchObject({ code: "VECTOR_ENGINE_FORBIDDEN", message: expect.stringContaining("key") as string });
    expect(server.requests).toHaveLength(before + 1);
    expect(await mistaken.health()).toMatchObject({ ok: false });
    expect(JSON.stringify([error, error.message, error.detail, log.lines])).not.toContain("secret-but-wrong");
    expect(await library.query([1, 0, 0])).toEqual([]);
  });

  it("which is slow is given up after the time-out, and not asked again", async () => {
    const { server, open, library } = await start();
    const hasty = await open({ readTimeoutSeconds: 0.2 });
    await hasty.count(library.indexId);
    server.disturb(/count$/, { kind: "slow", milliseconds: 5000 });
    expect(await failing(hasty.count(library.indexId))).toMatchObject({
      code: "VECTOR_INDEX_UNAVAILABLE",
      message: expect.stringContaining("in time") as string,
    });
    expect(server.countOf(/count$/)).toBe(2);
  });

  it("whose disk is full fails writes by name, once, and still answers searches", async () => {
    const { server, library, catalog } = await start();
    await library.add([{ id: "a", vector: [1, 0, 0] }]);
    const videoId = await library.video();
    const before = server.countOf(UPSERT);
    server.diskIsFull = true;
    expect(await failing(library.store(videoId, [{ id: "b", vector: [1, 0, 0] }]))).toMatchObject({
      code: "VECTOR_ENGINE_FULL",
    });
    expect(server.countOf(UPSERT)).toBe(before + 1);
    expect(await library.ids([1, 0, 0])).toEqual(["a"]);
    server.calm();
    await library.store(videoId, [{ id: "b", vector: [2, 0, 0] }]);
    expect(await library.ids([1, 0, 0])).toEqual(["b", "a"]);
    // What could not be removed then is left to the upkeep.
    expect(await catalog.vectorWrites.countByState()).toMatchObject({ STAGED: 0, ABANDONED: 1, REPLACED: 0 });
  });

  it("which is something else is said to be no Qdrant", async () => {
    const { server, library } = await start();
    server.disturb(SEARCH, { kind: "page" });
    expect((await failing(library.ids([1, 0, 0]))).message).toContain("not Qdrant");
  });

  it("whose certificate is not trusted is not talked to, unless its authority is named", async () => {
    const tls = {
      key: await readFile(new URL("../../fixtures/qdrant/tls/key.pem", import.meta.url), "utf8"),
      cert: await readFile(new URL("../../fixtures/qdrant/tls/certificate.pem", import.meta.url), "utf8"),
    };
    const caFile = fileURLToPath(new URL("../../fixtures/qdrant/tls/certificate.pem", import.meta.url));
    const parts = await start({ caFile, apiKey: "k" }, { tls, apiKey: "k" });
    expect(await parts.library.query([1, 0, 0])).toEqual([]);
    const before = parts.server.requests.length;
    const { openQdrant, qdrantOptions } = await import("../../fixtures/qdrant/engine.js");
    const strict = await openQdrant(parts.catalog, qdrantOptions(parts.url, { apiKey: "k" }));
    expect((await failing(strict.list())).message).toContain("certificate");
    await strict.close();
    expect(parts.server.requests).toHaveLength(before);
    expect(await failing(parts.open({ caFile: "/no/such.pem" }))).toMatchObject({ code: "INVALID_OPTIONS" });
  });
});

describe("a request to Qdrant", { timeout: 60_000 }, () => {
  it("that only reads is repeated when it fails in passing, so many times and no more", async () => {
    const { server, library } = await start({ retries: 2 });
    await library.add([{ id: "a", vector: [1, 0, 0] }]);
    await library.ids([1, 0, 0]);
    for (const disturbance of [
      { kind: "status", status: 503 },
      { kind: "status", status: 429, retryAfter: 0 },
      { kind: "drop-before" },
      { kind: "drop-after" },
    ] as const) {
      const before = server.countOf(SEARCH);
      server.disturb(SEARCH, disturbance, 2);
      expect(await library.ids([1, 0, 0])).toEqual(["a"]);
      expect(server.countOf(SEARCH)).toBe(before + 3);
    }
    const before = server.countOf(SEARCH);
    server.disturb(SEARCH, { kind: "status", status: 500 });
    expect(await failing(library.ids([1, 0, 0]))).toMatchObject({ code: "VECTOR_INDEX_UNAVAILABLE" });
    expect(server.countOf(SEARCH)).toBe(before + 3);
  });

  it("that is refused is not repeated", async () => {
    const { server, library } = await start();
    const body = 'Bad request: Limit exceeded 100 > 10 for "limit"';
    server.disturb(SEARCH, { kind: "status", status: 400, body });
    expect(await failing(library.ids([1, 0, 0]))).toMatchObject({ code: "VECTOR_ENGINE_REFUSED", retryable: false });
    expect(server.countOf(SEARCH)).toBe(1);
  });

  it("that makes or drops a collection is never repeated", async () => {
    const { server, index, library } = await start();
    server.disturb(/^(PUT|DELETE) \/collections\/[^/]+$/, { kind: "status", status: 503 });
    const before = server.requests.length;
    expect(await failing(index.create({ id: "new@1", dimension: 2 }))).toMatchObject({ retryable: true });
    expect(await failing(index.drop(library.indexId))).toMatchObject({ retryable: true });
    expect(server.requests.slice(before).filter((request) => /^(PUT|DELETE)/.test(request))).toHaveLength(2);
  });

  it.each(["drop-before", "drop-after", "twice"] as const)(
    "that writes does the same when there is a %s",
    async (kind) => {
      const parts = await start();
      const { server, library } = parts;
      server.disturb(UPSERT, { kind }, 1);
      const videoId = await library.add([
        { id: "a", vector: [1, 0, 0] },
        { id: "b", vector: [2, 0, 0] },
      ]);
      server.disturb(UPSERT, { kind }, 1);
      server.disturb(DELETE, { kind }, 1);
      await library.store(videoId, [{ id: "c", vector: [1, 0, 0] }]);
      expect(await library.ids([1, 0, 0])).toEqual(["c"]);
      expect(await held(parts)).toBe(1);
    },
  );

  it("that the server stopped waiting for counts as not done", async () => {
    const { server, library, catalog } = await start({ retries: 1 });
    const videoId = await library.video();
    server.disturb(UPSERT, { kind: "wait-timeout" });
    const error = await failing(library.store(videoId, [{ id: "a", vector: [1, 0, 0] }]));
    expect(error).toMatchObject({ code: "VECTOR_INDEX_UNAVAILABLE" });
    expect(server.countOf(UPSERT)).toBe(2);
    // It may still be done later: the row stays, so that its points are removed once more.
    expect(await catalog.vectorWrites.countByState()).toMatchObject({ ABANDONED: 1 });
  });

  it("is given up when its caller does", async () => {
    const parts = await start();
    const { server, index, library } = parts;
    const videoId = await library.video();
    const controller = new AbortController();
    server.disturb(UPSERT, { kind: "slow", milliseconds: 300 }, 1);
    const points = [point(videoId, 0)];
    const staging = failing(index.stageVideo(library.indexId, "default", videoId, points, controller.signal));
    await vi.waitUntil(() => server.countOf(UPSERT) > 0);
    controller.abort(new Error("the job was cancelled"));
    expect((await staging).message).toBe("the job was cancelled");
    expect(await library.ids([1, 0, 0])).toEqual([]);
  });

  it("writes nothing to the console", async () => {
    const spies = (["log", "warn", "error", "debug"] as const).map((name) => vi.spyOn(console, name));
    const { library } = await start({ apiKey: "k" }, { apiKey: "k", version: "0.1.0" });
    await library.add([{ id: "a", vector: [1, 0, 0] }]);
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });
});

describe("what Qdrant holds beside the truth", { timeout: 60_000 }, () => {
  it("a replaced video's old segments are never found, though a crash left them there", async () => {
    const parts = await start();
    const { library, index } = parts;
    const videoId = await library.add([
      { id: "old1", vector: [3, 0, 0] },
      { id: "old2", vector: [2, 0, 0] },
    ]);
    // Committed, and never published.
    await library.stage(videoId, [{ id: "new", vector: [1, 0, 0] }]);
    expect(await held(parts)).toBe(3);
    expect(await library.ids([1, 0, 0], { limit: 1 })).toEqual(["new"]);
    const queries = [{ pattern: 1, vector: Float32Array.of(1, 0, 0) }];
    expect(await index.queryVideos(library.indexId, queries, { tenant: "default" }, { limit: 5 })).toEqual([
      { videoId, score: 1, ordinals: Uint32Array.of(0), scores: Float32Array.of(1) },
    ]);
    await index.sweepVideo(library.indexId, videoId);
    expect(await held(parts)).toBe(1);
  });

  it("a deleted video is never found, though Qdrant could not be reached for it", async () => {
    const parts = await start();
    const { library, index, catalog, server, url } = parts;
    const kept = await library.add([{ id: "kept", vector: [1, 0, 0] }]);
    const gone = await library.add(Array.from({ length: 300 }, (_, n) => ({ id: `gone${n}`, vector: [2, 0, 0] })));
    await server.stop();
    const pending = await catalog.transaction(async (tx) => {
      const write = await index.deleteVideo(library.indexId, gone, tx);
      await catalog.videos.delete(tx, "default", gone);
      return write;
    });
    expect(await failing(pending.publish())).toMatchObject({ code: "VECTOR_INDEX_UNAVAILABLE" });
    await server.restart(url);
    expect(await held(parts)).toBe(301);
    expect(await library.ids([1, 0, 0], { limit: 2 })).toEqual(["kept"]);
    const queries = [{ pattern: 1, vector: Float32Array.of(1, 0, 0) }];
    const found = await index.queryVideos(library.indexId, queries, { tenant: "default" }, { limit: 1 });
    expect(found.map(({ videoId }) => videoId)).toEqual([kept]);
    await pending.publish();
    expect(await held(parts)).toBe(1);
    expect(await catalog.vectorWrites.countByState()).toMatchObject({ DELETED: 0 });
  });

  it("segments that arrive after they were given up are not found, and a sweep removes them", async () => {
    const parts = await start();
    const { library, index, server } = parts;
    const videoId = await library.add([{ id: "a", vector: [1, 0, 0] }]);
    const staged = await index.stageVideo(library.indexId, "default", videoId, [point(videoId, 7)]);
    await staged.discard();
    server.replay(UPSERT);
    expect(await held(parts)).toBe(2);
    expect(await library.ids([1, 0, 0])).toEqual(["a"]);
    await index.sweepVideo(library.indexId, videoId);
    expect(await held(parts)).toBe(1);
  });

  it("a deletion that arrives late takes nothing that is live", async () => {
    const parts = await start();
    const { library, server } = parts;
    const videoId = await library.add([{ id: "a", vector: [1, 0, 0] }]);
    await library.store(videoId, [{ id: "b", vector: [1, 0, 0] }]);
    await library.store(videoId, [{ id: "c", vector: [1, 0, 0] }]);
    server.replay(DELETE);
    expect(await library.ids([1, 0, 0])).toEqual(["c"]);
    expect(await held(parts)).toBe(1);
  });

  it("a write that was given up cannot be committed", async () => {
    const { library, index, catalog } = await start();
    const videoId = await library.video();
    const points = [point(videoId, 0)];
    const staged = await index.stageVideo(library.indexId, "default", videoId, points);
    await catalog.vectorWrites.abandon(staged.generation, library.indexId, videoId);
    const commit = catalog.transaction((tx) => library.commit(tx, staged, videoId, points));
    expect(await failing(commit)).toMatchObject({ code: "VECTOR_STAGE_LOST" });
    expect(await library.ids([1, 0, 0])).toEqual([]);
  });
});
