import { afterEach, describe, expect, it } from "vitest";
import type { VideoPosition } from "../../../src/vectors/index.js";
import { collectionName, indexIdOf } from "../../../src/vectors/qdrant/names.js";
import { pointId } from "../../../src/vectors/qdrant/points.js";
import type { QdrantSettings } from "../../fixtures/qdrant/engine.js";
import { openQdrantLibrary, type QdrantLibrary } from "../../fixtures/qdrant/library.js";
import { roundToHalf } from "../../fixtures/qdrant/numbers.js";
import type { FakeQdrantOptions } from "../../fixtures/qdrant/server.js";
import { randomNumbers } from "../../fixtures/sounds.js";
import { Library } from "./contract.js";

const opened: QdrantLibrary[] = [];
afterEach(async () => {
  for (const { end } of opened.splice(0)) await end();
});

async function start(settings: QdrantSettings = {}, server: FakeQdrantOptions = {}): Promise<QdrantLibrary> {
  const parts = await openQdrantLibrary(settings, server);
  opened.push(parts);
  return parts;
}

const json = { "content-type": "application/json" };

describe("names of collections", () => {
  it.each(["starter@1.1.0", "a_b.c-d@1.0.0-rc.1+7", "Ünïcode/pack@2", "pack", "two@at@signs", "~x%@_"])(
    "give the id of the index back: %s",
    (id) => {
      const name = collectionName("earshot", id);
      expect(name).toMatch(/^earshot_[A-Za-z0-9.+~-]*_[A-Za-z0-9.+~-]*$/);
      expect(indexIdOf("earshot", name)).toBe(id);
    },
  );

  it("of other deployments and programs are left alone", () => {
    expect(collectionName("earshot", "starter@1.1.0")).toBe("earshot_starter_1.1.0");
    for (const other of [
      "earshot_b_starter_1.1.0",
      "earshot",
      "earshot_x",
      "products",
      "earshot_~zz_1",
      "earshot_~41_1",
    ]) {
      expect(indexIdOf("earshot", other)).toBeUndefined();
    }
  });
});

describe("ids of points", () => {
  it("are UUIDs that no two generations share and that stand together for each", () => {
    const generations = ["g1", "g2", "g3"];
    const ids = generations.flatMap((generation) =>
      [0, 1, 2, 3].map((n) => [pointId(generation, `s${n}`), generation]),
    );
    for (const [id] of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(ids.map(([id]) => id)).size).toBe(12);
    const inOrder = [...ids].sort(([a], [b]) => (a! < b! ? -1 : 1)).map(([, generation]) => generation);
    expect(inOrder.filter((generation, n) => generation !== inOrder[n - 1])).toHaveLength(3);
  });
});

describe("a collection of the Qdrant engine", { timeout: 60_000 }, () => {
  it("is made once, with what its queries need", async () => {
    const { server, index, library } = await start({ datatype: "float16", replicas: 3, quantization: "scalar" });
    await index.create({ id: library.indexId, dimension: 3 });
    const [name] = server.collectionNames();
    const { config, payload_schema } = server.collectionInfo(name!);
    expect(config.params).toMatchObject({
      vectors: { size: 3, distance: "Dot", datatype: "float16", on_disk: false },
      replication_factor: 3,
      write_consistency_factor: 2,
    });
    expect(config.quantization_config).toMatchObject({ scalar: { type: "int8" } });
    expect(payload_schema).toMatchObject({
      tenant: { data_type: "keyword", params: { is_tenant: true } },
      videoId: { data_type: "keyword" },
      generation: { data_type: "keyword" },
      pattern: { data_type: "integer" },
    });
    expect(server.countOf(/^PUT \/collections\/[^/]+$/)).toBe(1);
    expect(server.countOf(/\/index$/)).toBe(4);
  });

  it("is completed when a process ended while it made it", async () => {
    const { server, index } = await start();
    server.disturb(/\/index$/, { kind: "status", status: 400 });
    await expect(index.create({ id: "half@1", dimension: 3 })).rejects.toMatchObject({ code: "VECTOR_ENGINE_REFUSED" });
    server.calm();
    await index.create({ id: "half@1", dimension: 3 });
    expect(await index.list()).toContainEqual({ id: "half@1", dimension: 3, count: 0, patterns: [] });
  });

  it("may be made by two processes at once", async () => {
    const { index, open } = await start();
    const other = await open();
    await Promise.all([index, other].map((each) => each.create({ id: "both@1", dimension: 3 })));
    expect((await other.list()).map(({ id }) => id)).toContain("both@1");
  });

  it("that holds something else is refused", async () => {
    const { url, index, open } = await start();
    const put = (vectors: object) =>
      fetch(`${url}/collections/other_pack_1`, { method: "PUT", headers: json, body: JSON.stringify({ vectors }) });
    await put({ size: 3, distance: "Cosine" });
    const other = await open({ collectionPrefix: "other" });
    await expect(other.create({ id: "pack@1", dimension: 3 })).rejects.toMatchObject({
      code: "VECTOR_DIMENSION_MISMATCH",
      message: expect.stringContaining("dot product") as string,
    });
    expect(await other.list()).toEqual([]);
    await expect(index.create({ id: "tiny@1.0.0", dimension: 4 })).rejects.toMatchObject({
      message: expect.stringContaining("3 values") as string,
    });
  });

  it("is another one for another deployment on the same server", async () => {
    const { catalog, library, open } = await start();
    const index = await open({ collectionPrefix: "second" });
    await index.create({ id: library.indexId, dimension: 3 });
    const second = new Library(catalog, index);
    await library.add([{ id: "a", vector: [1, 0, 0] }]);
    await second.add([{ id: "b", vector: [1, 0, 0] }]);
    expect(await library.ids([1, 0, 0])).toEqual(["a"]);
    expect(await second.ids([1, 0, 0])).toEqual(["b"]);
    await index.drop(library.indexId);
    expect(await library.ids([1, 0, 0])).toEqual(["a"]);
  });

  it("keeps what it was made with, and the log says so", async () => {
    const { open, library, log } = await start();
    const index = await open({ datatype: "float16" });
    await index.create({ id: library.indexId, dimension: 3 });
    expect(log.lines.filter(({ level }) => level === "warn")).toEqual([
      expect.objectContaining({ details: expect.objectContaining({ indexId: library.indexId }) as object }),
    ]);
  });
});

describe("a search in Qdrant", { timeout: 60_000 }, () => {
  it("with 8-bit vectors gives the scores of the stored ones", async () => {
    const { library, index } = await start({ quantization: "scalar", oversampling: 3 });
    const random = randomNumbers(3);
    const sketches = Array.from({ length: 200 }, (_, n) => ({
      id: `s${String(n).padStart(3, "0")}`,
      vector: [random() - 0.5, random() - 0.5, random() - 0.5],
    }));
    await library.add(sketches);
    const query = [0.3, -0.2, 0.9];
    const scoreOf = (vector: readonly number[]) => vector.reduce((sum, value, d) => sum + value * query[d]!, 0);
    const hits = await library.query(query, { limit: 10 });
    expect(hits).toHaveLength(10);
    const vectors = new Map(sketches.map(({ id, vector }) => [id, vector]));
    for (const { segmentId, score } of hits) expect(score).toBeCloseTo(scoreOf(vectors.get(segmentId)!), 6);
    const [best] = await index.queryVideos(
      library.indexId,
      [{ pattern: 1, vector: Float32Array.from(query) }],
      { tenant: "default" },
      { limit: 1 },
    );
    expect(best!.scores).toHaveLength(200);
    best!.scores.forEach((score, n) => expect(score).toBeCloseTo(scoreOf(sketches[n]!.vector), 6));
  });

  it("with half floats scores what is stored", async () => {
    const { library } = await start({ datatype: "float16" });
    await library.add([{ id: "a", vector: [0.1, 0.2, 0.3] }]);
    const [hit] = await library.query([1, 1, 1]);
    expect(hit!.score).toBe(
      Math.fround([0.1, 0.2, 0.3].reduce((sum, value) => sum + roundToHalf(Math.fround(value)), 0)),
    );
    expect(hit!.score).not.toBe(Math.fround(0.6));
  });

  it("pages through videos of very different lengths without gaps", async () => {
    const { library, index } = await start();
    const random = randomNumbers(9);
    const best = new Map<string, number>();
    for (const length of [1, 900, 3, 1, 400, 40, 2, 1, 1, 7, 1, 30]) {
      // Scores of few different values, so that many are equal.
      const scores = Array.from({ length }, () => Math.round(random() * 40) / 64);
      const videoId = await library.add(scores.map((score, n) => ({ id: `${best.size}-${n}`, vector: [score, 0, 0] })));
      best.set(videoId, Math.max(...scores));
    }
    const expected = [...best].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([videoId]) => videoId);
    for (const limit of [1, 2, 5, 20]) {
      const seen: string[] = [];
      let after: VideoPosition | undefined;
      for (;;) {
        const page = await index.queryVideos(
          library.indexId,
          [{ pattern: 1, vector: Float32Array.of(1, 0, 0) }],
          { tenant: "default" },
          { limit, ...(after === undefined ? {} : { after }) },
        );
        seen.push(...page.map(({ videoId }) => videoId));
        after = page.at(-1);
        if (page.length < limit) break;
      }
      expect(seen).toEqual(expected);
    }
  });

  it("takes filters of more videos than fit into one request", async () => {
    const { library, index } = await start();
    const videoIds: string[] = [];
    for (let n = 0; n < 3; n++) videoIds.push(await library.add([{ id: `s${n}`, vector: [n + 1, 0, 0], pattern: 1 }]));
    const unknown = Array.from({ length: 2500 }, (_, n) => `unknown-${n}`);
    const filter = { tenant: "default", videoIds: [videoIds[0]!, ...unknown, videoIds[2]!] };
    const queries = [{ pattern: 1, vector: Float32Array.of(1, 0, 0) }];
    expect((await index.query(library.indexId, queries, filter, 5)).map(({ segmentId }) => segmentId)).toEqual([
      "s2",
      "s0",
    ]);
    const videos = await index.queryVideos(library.indexId, queries, filter, { limit: 5 });
    expect(videos.map(({ videoId }) => videoId)).toEqual([videoIds[2], videoIds[0]]);
    expect(await index.count(library.indexId, filter)).toBe(2);
    expect(await index.patterns(library.indexId, filter)).toEqual([1]);
  });

  it("asks for several patterns in one request", async () => {
    const { library, index, server } = await start();
    await library.add([1, 2, 3].map((pattern) => ({ id: `s${pattern}`, vector: [1, 0, 0], pattern })));
    const queries = [1, 2, 3].map((pattern) => ({ pattern, vector: Float32Array.of(pattern, 0, 0) }));
    await index.query(library.indexId, queries, { tenant: "default" }, 5);
    const before = server.countOf(/\/query/);
    const hits = await index.query(library.indexId, queries, { tenant: "default" }, 5);
    expect(hits.map(({ segmentId }) => segmentId)).toEqual(["s3", "s2", "s1"]);
    expect(server.countOf(/\/query/)).toBe(before + 1);
  });

  it("writes long videos in several requests", async () => {
    const { library, server, index } = await start({ upsertBytes: 5000 });
    const videoId = await library.add(Array.from({ length: 50 }, (_, n) => ({ id: `s${n}`, vector: [n, 0, 0] })));
    expect(server.countOf(/^PUT .*\/points$/)).toBe(5);
    expect(await index.count(library.indexId, { tenant: "default", videoIds: [videoId] })).toBe(50);
  });

  it("knows the patterns also of a server that cannot count values", async () => {
    const { library, index, server } = await start({}, { facets: false });
    const videoId = await library.add([3, 1, 3, 2].map((pattern, n) => ({ id: `s${n}`, vector: [1, 0, 0], pattern })));
    expect(await index.patterns(library.indexId, { tenant: "default" })).toEqual([1, 2, 3]);
    await library.store(videoId, [{ id: "new", vector: [1, 0, 0], pattern: 5 }]);
    expect(await index.patterns(library.indexId, { tenant: "default" })).toEqual([5]);
    expect(server.countOf(/\/facet$/)).toBe(1);
  });
});
