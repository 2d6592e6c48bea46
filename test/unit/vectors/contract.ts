import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Catalog, CatalogTransaction } from "../../../src/catalog/index.js";
import type {
  HeldGeneration,
  PendingWrite,
  StagedVideo,
  VectorHit,
  VectorIndex,
  VectorPoint,
  VideoPage,
  VideoPosition,
} from "../../../src/vectors/index.js";
import { randomNumbers } from "../../fixtures/sounds.js";

/** What a vector engine has to offer to be held to the contract. */
export interface EngineUnderTest {
  /** Opens the engine on an empty catalog. */
  open(catalog: Catalog): Promise<VectorIndex>;
  /** Opens a catalog on an empty database file. */
  openCatalog(): Promise<Catalog>;
  /** Removes what the engine and the catalog leave behind. */
  cleanUp(): Promise<void>;
}

/** A segment to be stored: where it points, and which experts heard it. */
export interface Sketch {
  id: string;
  vector: readonly number[];
  pattern?: number;
}

const INDEX = "tiny@1.0.0";
const TENANT = "default";

/** Videos with their segments, written as an ingest writes them: rows and vectors in one transaction. */
export class Library {
  constructor(
    readonly catalog: Catalog,
    readonly index: VectorIndex,
    readonly indexId = INDEX,
  ) {}

  /** Adds a video without segments and gives its id. */
  async video(tenant = TENANT): Promise<string> {
    const video = { tenant, externalId: null, title: null, metadata: null, sourceName: "a.mp4" };
    const source = { kind: "path" as const, path: "/media/a.mp4" };
    return (await this.catalog.transaction((tx) => this.catalog.videos.create(tx, { ...video, source }))).id;
  }

  /** Replaces a video's segments up to the commit; what it gives makes the change visible. */
  async stage(videoId: string, sketches: readonly Sketch[], tenant = TENANT): Promise<() => Promise<void>> {
    const points = sketches.map((sketch, ordinal) => toPoint(sketch, ordinal, videoId, tenant));
    const staged = await this.index.stageVideo(this.indexId, tenant, videoId, points);
    const pending = await this.catalog.transaction((tx) => this.commit(tx, staged, videoId, points, tenant));
    return () => pending.publish();
  }

  /** Writes the segments and puts what was staged in their index. */
  async commit(
    tx: CatalogTransaction,
    staged: StagedVideo,
    videoId: string,
    points: readonly VectorPoint[],
    tenant = TENANT,
  ): Promise<PendingWrite> {
    const rows = points.map(({ segmentId, ordinal, pattern }) => ({
      id: segmentId,
      ordinal,
      startSeconds: ordinal,
      endSeconds: ordinal + 2,
      pattern,
    }));
    const { generation } = staged;
    const contents = { indexId: this.indexId, videoId, tenant, generation, mediaVersion: new Date(0) };
    await this.catalog.segments.replaceForVideo(tx, contents, rows);
    return staged.commit(tx);
  }

  /** Replaces a video's segments and makes them visible. */
  async store(videoId: string, sketches: readonly Sketch[], tenant = TENANT): Promise<void> {
    await (
      await this.stage(videoId, sketches, tenant)
    )();
  }

  /** Adds a video with segments. */
  async add(sketches: readonly Sketch[], tenant = TENANT): Promise<string> {
    const videoId = await this.video(tenant);
    await this.store(videoId, sketches, tenant);
    return videoId;
  }

  /** Best segments for a query of pattern 1. */
  query(
    vector: readonly number[],
    options: { limit?: number; tenant?: string; videoIds?: string[] } = {},
  ): Promise<VectorHit[]> {
    const { limit = 10, tenant = TENANT, videoIds } = options;
    const filter = { tenant, ...(videoIds === undefined ? {} : { videoIds }) };
    return this.index.query(this.indexId, [{ pattern: 1, vector: Float32Array.from(vector) }], filter, limit);
  }

  /** Ids of the best segments. */
  async ids(...query: Parameters<Library["query"]>): Promise<string[]> {
    return (await this.query(...query)).map(({ segmentId }) => segmentId);
  }
}

function toPoint({ id, vector, pattern = 1 }: Sketch, ordinal: number, videoId: string, tenant: string): VectorPoint {
  return { segmentId: id, videoId, tenant, ordinal, pattern, vector: Float32Array.from(vector) };
}

/** What every vector engine has to do, whatever it is made of. */
export function describeVectorIndex(name: string, engine: EngineUnderTest): void {
  describe(`${name} as a vector index`, { timeout: 60_000 }, () => {
    let catalog: Catalog;
    let index: VectorIndex;
    let library: Library;

    beforeAll(async () => {
      catalog = await engine.openCatalog();
      index = await engine.open(catalog);
    }, 60_000);
    afterAll(async () => {
      await index.close();
      await catalog.close();
      await engine.cleanUp();
    });
    beforeEach(async () => {
      await index.create({ id: INDEX, dimension: 3 });
      library = new Library(catalog, index);
    });
    afterEach(async () => {
      for (const { id } of await index.list()) await index.drop(id);
      for (const tenant of [TENANT, "other"]) {
        for (const id of await catalog.videos.findIds(tenant, {}))
          await catalog.transaction((tx) => catalog.videos.delete(tx, tenant, id));
      }
    });

    describe("its indexes", () => {
      it("are listed with their size and patterns", async () => {
        await index.create({ id: "other@2", dimension: 8 });
        await library.add([
          { id: "a", vector: [1, 0, 0], pattern: 3 },
          { id: "b", vector: [1, 0, 0], pattern: 1 },
          { id: "c", vector: [1, 0, 0], pattern: 3 },
        ]);
        expect(await index.list()).toEqual([
          { id: "other@2", dimension: 8, count: 0, patterns: [] },
          { id: INDEX, dimension: 3, count: 3, patterns: [1, 3] },
        ]);
      });

      it("can be created again without losing anything", async () => {
        await library.add([{ id: "a", vector: [1, 0, 0] }]);
        await index.create({ id: INDEX, dimension: 3 });
        expect(await library.ids([1, 0, 0])).toEqual(["a"]);
      });

      it("cannot be created again with another dimension", async () => {
        await expect(index.create({ id: INDEX, dimension: 4 })).rejects.toMatchObject({
          code: "VECTOR_DIMENSION_MISMATCH",
        });
      });

      it("are gone after a drop, which may be repeated", async () => {
        await library.add([{ id: "a", vector: [1, 0, 0] }]);
        await library.ids([1, 0, 0]);
        await index.drop(INDEX);
        await index.drop(INDEX);
        expect(await index.list()).toEqual([]);
        await expect(library.query([1, 0, 0])).rejects.toMatchObject({ code: "VECTOR_INDEX_NOT_FOUND" });
        await index.create({ id: INDEX, dimension: 3 });
        expect(await library.query([1, 0, 0])).toEqual([]);
      });

      it("do not see each other's segments", async () => {
        await index.create({ id: "other@2", dimension: 3 });
        const other = new Library(catalog, index, "other@2");
        await library.add([{ id: "a", vector: [1, 0, 0] }]);
        await other.add([{ id: "b", vector: [1, 0, 0] }]);
        expect(await library.ids([1, 0, 0])).toEqual(["a"]);
        expect(await other.ids([1, 0, 0])).toEqual(["b"]);
      });
    });

    describe("a query", () => {
      it("finds nothing in an empty index", async () => {
        expect(await library.query([1, 0, 0])).toEqual([]);
      });

      it("scores by the inner product, best first", async () => {
        const first = await library.add([
          { id: "a", vector: [0.5, 0.5, 0] },
          { id: "b", vector: [-1, 2, 0.25] },
        ]);
        const second = await library.add([{ id: "c", vector: [0.25, 0, 0] }]);
        const hits = await library.query([2, 1, 4]);
        expect(hits.map(({ segmentId, videoId }) => [segmentId, videoId])).toEqual([
          ["a", first],
          ["b", first],
          ["c", second],
        ]);
        hits.forEach(({ score }, i) => expect(score).toBeCloseTo([1.5, 1, 0.5][i]!, 6));
      });

      it("orders equal scores by segment id, also where the limit cuts between them", async () => {
        await library.add([
          { id: "d", vector: [1, 0, 0] },
          { id: "b", vector: [1, 0, 0] },
        ]);
        await library.add([
          { id: "c", vector: [1, 0, 0] },
          { id: "a", vector: [1, 0, 0] },
          { id: "z", vector: [2, 0, 0] },
        ]);
        expect(await library.ids([1, 0, 0])).toEqual(["z", "a", "b", "c", "d"]);
        expect(await library.ids([1, 0, 0], { limit: 3 })).toEqual(["z", "a", "b"]);
      });

      it("returns no more than the limit, and nothing for a limit of 0", async () => {
        await library.add([1, 2, 3, 4].map((n) => ({ id: `s${n}`, vector: [n, 0, 0] })));
        expect(await library.ids([1, 0, 0], { limit: 2 })).toEqual(["s4", "s3"]);
        expect(await library.ids([1, 0, 0], { limit: 0 })).toEqual([]);
      });

      it("uses for each segment the query vector of its pattern", async () => {
        await library.add([
          { id: "both", vector: [1, 0, 0], pattern: 3 },
          { id: "first", vector: [1, 0, 0], pattern: 1 },
          { id: "second", vector: [1, 0, 0], pattern: 2 },
        ]);
        const queries = [
          { pattern: 1, vector: new Float32Array([0.5, 0, 0]) },
          { pattern: 3, vector: new Float32Array([0.25, 0, 0]) },
          { pattern: 7, vector: new Float32Array([9, 0, 0]) },
        ];
        const hits = await index.query(INDEX, queries, { tenant: TENANT }, 10);
        expect(hits.map(({ segmentId, score }) => [segmentId, score])).toEqual([
          ["first", 0.5],
          ["both", 0.25],
        ]);
        expect(await index.query(INDEX, [], { tenant: TENANT }, 10)).toEqual([]);
      });

      it("sees one tenant only", async () => {
        await library.add([{ id: "mine", vector: [1, 0, 0] }]);
        await library.add([{ id: "theirs", vector: [2, 0, 0] }], "other");
        expect(await library.ids([1, 0, 0])).toEqual(["mine"]);
        expect(await library.ids([1, 0, 0], { tenant: "other" })).toEqual(["theirs"]);
        expect(await library.ids([1, 0, 0], { tenant: "nobody" })).toEqual([]);
      });

      it("sees the videos of the filter only, and none when it names none", async () => {
        const first = await library.add([
          { id: "a", vector: [1, 0, 0] },
          { id: "b", vector: [3, 0, 0] },
        ]);
        const second = await library.add([{ id: "c", vector: [2, 0, 0] }]);
        const theirs = await library.add([{ id: "d", vector: [9, 0, 0] }], "other");
        expect(await library.ids([1, 0, 0], { videoIds: [first] })).toEqual(["b", "a"]);
        expect(await library.ids([1, 0, 0], { videoIds: [second, first, second] })).toEqual(["b", "c", "a"]);
        expect(await library.ids([1, 0, 0], { videoIds: [first], limit: 1 })).toEqual(["b"]);
        expect(await library.ids([1, 0, 0], { videoIds: [theirs, "unknown"] })).toEqual([]);
        expect(await library.ids([1, 0, 0], { videoIds: [] })).toEqual([]);
      });

      it("is exact over many clustered vectors", async () => {
        const random = randomNumbers(11);
        const dimension = 24;
        await index.create({ id: "wide@1", dimension });
        const wide = new Library(catalog, index, "wide@1");
        const centres = Array.from({ length: 8 }, () => Array.from({ length: dimension }, () => random() - 0.5));
        const sketches = Array.from({ length: 1500 }, (_, n) => ({
          id: `s${String(n).padStart(4, "0")}`,
          vector: centres[n % 8]!.map((value) => value + 0.1 * (random() - 0.5)),
        }));
        for (let from = 0; from < sketches.length; from += 500) await wide.add(sketches.slice(from, from + 500));
        const vector = Array.from({ length: dimension }, () => random() - 0.5);
        const expected = sketches
          .map(({ id, vector: row }) => ({ id, score: row.reduce((sum, value, d) => sum + value * vector[d]!, 0) }))
          .sort((a, b) => b.score - a.score)
          .slice(0, 50);
        const hits = await wide.query(vector, { limit: 50 });
        expect(hits.map(({ segmentId }) => segmentId)).toEqual(expected.map(({ id }) => id));
        hits.forEach(({ score }, i) => expect(score).toBeCloseTo(expected[i]!.score, 5));
      });

      it.each([
        ["an unknown index", "none@1", [1, 0, 0], "VECTOR_INDEX_NOT_FOUND"],
        ["a query of another dimension", INDEX, [1, 0], "VECTOR_DIMENSION_MISMATCH"],
        ["a query that is not finite", INDEX, [1, NaN, 0], "VECTOR_INVALID"],
      ])("refuses %s", async (_, indexId, vector, code) => {
        const query = index.query(indexId, [{ pattern: 1, vector: Float32Array.from(vector) }], { tenant: TENANT }, 1);
        await expect(query).rejects.toMatchObject({ code });
      });
    });

    describe("a query for videos", () => {
      const ask = (vector: readonly number[], page: VideoPage, videoIds?: string[]) =>
        index.queryVideos(
          INDEX,
          [{ pattern: 1, vector: Float32Array.from(vector) }],
          { tenant: TENANT, ...(videoIds === undefined ? {} : { videoIds }) },
          page,
        );
      const vectors = (...scores: number[]): Sketch[] =>
        scores.map((score) => ({ id: `s${String(nextId++)}`, vector: [score, 0, 0] }));
      let nextId = 0;

      it("ranks videos by their best segment, and gives the scores of all their segments in order of time", async () => {
        const weak = await library.add(vectors(0.25, 0.5));
        const strong = await library.add(vectors(0.125, 0.75, -1));
        expect(await ask([1, 0, 0], { limit: 5 })).toEqual([
          { videoId: strong, score: 0.75, ordinals: Uint32Array.of(0, 1, 2), scores: Float32Array.of(0.125, 0.75, -1) },
          { videoId: weak, score: 0.5, ordinals: Uint32Array.of(0, 1), scores: Float32Array.of(0.25, 0.5) },
        ]);
      });

      it("orders equal videos by id, and pages through all of them without gaps", async () => {
        const ids: string[] = [];
        for (let n = 0; n < 7; n++) ids.push(await library.add(vectors(0.5, 0.25)));
        ids.sort();
        const seen: string[] = [];
        let after: VideoPosition | undefined;
        for (;;) {
          const [hit] = await ask([1, 0, 0], { limit: 1, ...(after === undefined ? {} : { after }) });
          if (hit === undefined) break;
          seen.push(hit.videoId);
          after = { videoId: hit.videoId, score: hit.score };
        }
        expect(seen).toEqual(ids);
        expect((await ask([1, 0, 0], { limit: 3 })).map(({ videoId }) => videoId)).toEqual(ids.slice(0, 3));
      });

      it("is not crowded out by a video with many segments", async () => {
        await library.add(vectors(...Array.from({ length: 600 }, () => 1)));
        const small = await library.add(vectors(0.5));
        expect((await ask([1, 0, 0], { limit: 2 }))[1]).toMatchObject({ videoId: small, score: 0.5 });
      });

      it("leaves out videos below the least score", async () => {
        const good = await library.add(vectors(0.5, -1));
        await library.add(vectors(0.25));
        expect((await ask([1, 0, 0], { limit: 9, minScore: 0.5 })).map(({ videoId }) => videoId)).toEqual([good]);
      });

      it("takes the segments of all patterns together", async () => {
        const videoId = await library.add([
          { id: "a", vector: [1, 0, 0], pattern: 3 },
          { id: "b", vector: [1, 0, 0], pattern: 1 },
          { id: "c", vector: [1, 0, 0], pattern: 2 },
          { id: "d", vector: [1, 0, 0], pattern: 3 },
        ]);
        const queries = [
          { pattern: 1, vector: Float32Array.of(0.25, 0, 0) },
          { pattern: 3, vector: Float32Array.of(0.5, 0, 0) },
        ];
        expect(await index.queryVideos(INDEX, queries, { tenant: TENANT }, { limit: 5 })).toEqual([
          { videoId, score: 0.5, ordinals: Uint32Array.of(0, 1, 3), scores: Float32Array.of(0.5, 0.25, 0.5) },
        ]);
      });

      it("sees the tenant's videos and those of the filter only", async () => {
        const mine = await library.add(vectors(0.5));
        const other = await library.add(vectors(0.75));
        const theirs = await library.add(vectors(1), "other");
        expect((await ask([1, 0, 0], { limit: 9 })).map(({ videoId }) => videoId)).toEqual([other, mine]);
        expect((await ask([1, 0, 0], { limit: 9 }, [mine, theirs])).map(({ videoId }) => videoId)).toEqual([mine]);
        expect(await ask([1, 0, 0], { limit: 9 }, [])).toEqual([]);
        expect(await ask([1, 0, 0], { limit: 0 })).toEqual([]);
      });

      it("gives a video the same scores whatever else is asked for", async () => {
        const random = randomNumbers(5);
        const sketches = (): Sketch[] =>
          Array.from({ length: 40 }, () => ({ id: `s${String(nextId++)}`, vector: [random(), random(), random()] }));
        const videoIds: string[] = [];
        for (let n = 0; n < 5; n++) videoIds.push(await library.add(sketches()));
        const all = await ask([0.3, 0.5, 0.7], { limit: 5 });
        for (const hit of all) expect(await ask([0.3, 0.5, 0.7], { limit: 1 }, [hit.videoId])).toEqual([hit]);
      });
    });

    describe("a write", () => {
      it("is not seen before its transaction has been committed, and is after publish", async () => {
        const videoId = await library.add([{ id: "old", vector: [1, 0, 0] }]);
        const point = toPoint({ id: "new", vector: [1, 0, 0] }, 0, videoId, TENANT);
        const staged = await index.stageVideo(INDEX, TENANT, videoId, [point]);
        expect(await library.ids([1, 0, 0])).toEqual(["old"]);
        const pending = await catalog.transaction(async (tx) => {
          const write = await library.commit(tx, staged, videoId, [point]);
          expect(await library.ids([1, 0, 0])).toEqual(["old"]);
          return write;
        });
        await pending.publish();
        expect(await library.ids([1, 0, 0])).toEqual(["new"]);
      });

      it("is never seen when it is discarded", async () => {
        const videoId = await library.add([{ id: "old", vector: [1, 0, 0] }]);
        const point = toPoint({ id: "new", vector: [1, 0, 0] }, 0, videoId, TENANT);
        const staged = await index.stageVideo(INDEX, TENANT, videoId, [point]);
        await staged.discard();
        expect(await library.ids([1, 0, 0])).toEqual(["old"]);
        expect(await index.count(INDEX)).toBe(1);
      });

      it("can be committed after a transaction with it was rolled back", async () => {
        const videoId = await library.video();
        const point = toPoint({ id: "new", vector: [1, 0, 0] }, 0, videoId, TENANT);
        const staged = await index.stageVideo(INDEX, TENANT, videoId, [point]);
        const failing = catalog.transaction(async (tx) => {
          await library.commit(tx, staged, videoId, [point]);
          throw new Error("something else went wrong");
        });
        await expect(failing).rejects.toThrow("something else went wrong");
        expect(await library.ids([1, 0, 0])).toEqual([]);
        const pending = await catalog.transaction((tx) => library.commit(tx, staged, videoId, [point]));
        await pending.publish();
        expect(await library.ids([1, 0, 0])).toEqual(["new"]);
      });

      it("leaves no trace when its transaction is rolled back", async () => {
        const videoId = await library.add([{ id: "old", vector: [1, 0, 0] }]);
        await library.ids([1, 0, 0]);
        const failing = catalog.transaction(async (tx) => {
          await index.deleteVideo(INDEX, videoId, tx);
          throw new Error("something else went wrong");
        });
        await expect(failing).rejects.toThrow("something else went wrong");
        expect(await library.ids([1, 0, 0])).toEqual(["old"]);
        expect(await index.count(INDEX)).toBe(1);
      });

      it("replaces all segments of the video and no others", async () => {
        await library.add([{ id: "kept", vector: [1, 0, 0] }]);
        const videoId = await library.add([
          { id: "old1", vector: [1, 0, 0] },
          { id: "old2", vector: [1, 0, 0], pattern: 2 },
        ]);
        await library.store(videoId, [{ id: "new", vector: [2, 0, 0] }]);
        expect(await library.ids([1, 0, 0])).toEqual(["new", "kept"]);
        expect(await index.patterns(INDEX, { tenant: TENANT })).toEqual([1]);
      });

      it("may leave a video without segments", async () => {
        const videoId = await library.add([{ id: "old", vector: [1, 0, 0] }]);
        await library.store(videoId, []);
        expect(await library.ids([1, 0, 0])).toEqual([]);
      });

      it("may be repeated with the same segments", async () => {
        const videoId = await library.add([{ id: "a", vector: [1, 0, 0] }]);
        await library.store(videoId, [{ id: "a", vector: [1, 0, 0] }]);
        expect(await library.ids([1, 0, 0])).toEqual(["a"]);
        expect(await index.count(INDEX)).toBe(1);
      });

      it("deletes the segments of a video", async () => {
        const videoId = await library.add([{ id: "a", vector: [1, 0, 0] }]);
        await library.add([{ id: "b", vector: [1, 0, 0] }]);
        const pending = await catalog.transaction(async (tx) => {
          const write = await index.deleteVideo(INDEX, videoId, tx);
          await catalog.videos.delete(tx, TENANT, videoId);
          return write;
        });
        await pending.publish();
        expect(await library.ids([1, 0, 0])).toEqual(["b"]);
        expect(await index.count(INDEX)).toBe(1);
      });

      it("shows a concurrent query the old segments or the new ones, never a mix", async () => {
        const generation = (n: number) =>
          Array.from({ length: 40 }, (_, s) => ({ id: `g${n}-${s}`, vector: [1, s / 100, 0], pattern: 1 + (s % 2) }));
        const videoId = await library.add(generation(0));
        const queries = [1, 2].map((pattern) => ({ pattern, vector: new Float32Array([1, 0, 0]) }));
        const written = new AbortController();
        const seen = new Set<string>();
        const reader = (async () => {
          while (!written.signal.aborted) {
            const hits = await index.query(INDEX, queries, { tenant: TENANT }, 100);
            const generations = [...new Set(hits.map(({ segmentId }) => segmentId.split("-")[0]!))];
            expect([hits.length, generations.length]).toEqual([40, 1]);
            seen.add(generations[0]!);
          }
        })();
        for (let n = 1; n <= 12; n++) await library.store(videoId, generation(n));
        written.abort();
        await reader;
        expect(seen.size).toBeGreaterThan(1);
      });

      it.each([
        ["a vector of another dimension", { vector: new Float32Array(4) }, "VECTOR_DIMENSION_MISMATCH"],
        ["a vector that is not finite", { vector: new Float32Array([1, Infinity, 0]) }, "VECTOR_INVALID"],
        ["a segment of another video", { videoId: "another" }, "VECTOR_INVALID"],
        ["a segment of another tenant", { tenant: "other" }, "VECTOR_INVALID"],
      ])("refuses %s", async (_, wrong, code) => {
        const videoId = await library.video();
        const point = { ...toPoint({ id: "a", vector: [1, 0, 0] }, 0, videoId, TENANT), ...wrong };
        await expect(index.stageVideo(INDEX, TENANT, videoId, [point])).rejects.toMatchObject({ code });
        expect(await index.count(INDEX)).toBe(0);
      });

      it("refuses an unknown index", async () => {
        const videoId = await library.video();
        await expect(index.stageVideo("none@1", TENANT, videoId, [])).rejects.toMatchObject({
          code: "VECTOR_INDEX_NOT_FOUND",
        });
      });
    });

    describe("patterns and counts", () => {
      it("follow the filter", async () => {
        const first = await library.add([
          { id: "a", vector: [1, 0, 0], pattern: 3 },
          { id: "b", vector: [1, 0, 0], pattern: 3 },
        ]);
        const second = await library.add([{ id: "c", vector: [1, 0, 0], pattern: 1 }]);
        await library.add([{ id: "d", vector: [1, 0, 0], pattern: 2 }], "other");
        expect(await index.patterns(INDEX, { tenant: TENANT })).toEqual([1, 3]);
        expect(await index.patterns(INDEX, { tenant: "other" })).toEqual([2]);
        expect(await index.patterns(INDEX, { tenant: TENANT, videoIds: [first] })).toEqual([3]);
        expect(await index.patterns(INDEX, { tenant: TENANT, videoIds: [] })).toEqual([]);
        expect(await index.count(INDEX)).toBe(4);
        expect(await index.count(INDEX, { tenant: TENANT })).toBe(3);
        expect(await index.count(INDEX, { tenant: TENANT, videoIds: [first, second, first] })).toBe(3);
        expect(await index.count(INDEX, { tenant: "nobody" })).toBe(0);
      });

      it("forget what is deleted", async () => {
        const videoId = await library.add([{ id: "a", vector: [1, 0, 0], pattern: 3 }]);
        expect(await index.patterns(INDEX, { tenant: TENANT })).toEqual([3]);
        await library.store(videoId, []);
        expect(await index.patterns(INDEX, { tenant: TENANT })).toEqual([]);
      });
    });

    describe("what it holds", () => {
      /** All that the engine goes through, whatever its batches are: number of points by video and generation. */
      const contents = async (indexId = INDEX) => {
        const counts = new Map<string, number>();
        for await (const batch of index.contents(indexId)) add(counts, batch);
        return Object.fromEntries(counts);
      };
      const contentsOf = async (videoIds: readonly string[]) => {
        const counts = new Map<string, number>();
        add(counts, await index.contentsOf(INDEX, videoIds));
        return Object.fromEntries(counts);
      };
      const add = (counts: Map<string, number>, batch: readonly HeldGeneration[]) => {
        for (const { videoId, tenant, generation, points } of batch) {
          const key = `${tenant} ${videoId} ${generation}`;
          counts.set(key, (counts.get(key) ?? 0) + points);
        }
      };
      const live = async (videoId: string, tenant = TENANT) =>
        `${tenant} ${videoId} ${(await catalog.indexedVideos.generations(INDEX, [videoId])).get(videoId)}`;
      const sketches = (prefix: string, count: number): Sketch[] =>
        Array.from({ length: count }, (_, n) => ({ id: `${prefix}${n}`, vector: [1, 0, 0], pattern: 1 + (n % 2) }));

      it("is what was committed, over all tenants, by video and generation", async () => {
        expect(await contents()).toEqual({});
        const replaced = await library.add(sketches("old", 3));
        await library.store(replaced, sketches("new", 2));
        const other = await library.add(sketches("b", 700));
        const theirs = await library.add(sketches("c", 1), "other");
        await library.store(await library.add(sketches("gone", 2)), []);
        const all = { [await live(replaced)]: 2, [await live(other)]: 700, [await live(theirs, "other")]: 1 };
        expect(await contents()).toEqual(all);
        expect(await contentsOf([replaced, other, theirs, "unknown"])).toEqual(all);
        expect(await contentsOf([other])).toEqual({ [await live(other)]: 700 });
        expect(await contentsOf([])).toEqual({});
      });

      it("is left alone by a sweep, but for what nobody counts any more", async () => {
        const videoId = await library.add(sketches("a", 3));
        await library.store(videoId, sketches("b", 2));
        const gone = await library.add(sketches("c", 2));
        await catalog.transaction(async (tx) => {
          await index.deleteVideo(INDEX, gone, tx);
          await catalog.videos.delete(tx, TENANT, gone);
        });
        // As if the process had ended before it could publish the deletion.
        for (const id of [videoId, gone, gone, "unknown"]) await index.sweepVideo(INDEX, id);
        await index.sweepVideo("none@1", videoId);
        expect(await contents()).toEqual({ [await live(videoId)]: 2 });
        expect(await library.ids([1, 0, 0])).toEqual(["b0"]);
      });

      it("keeps through a sweep what is staged and can then be committed", async () => {
        const videoId = await library.add(sketches("a", 2));
        const points = sketches("b", 3).map((sketch, n) => toPoint(sketch, n, videoId, TENANT));
        const staged = await index.stageVideo(INDEX, TENANT, videoId, points);
        await index.sweepVideo(INDEX, videoId);
        const pending = await catalog.transaction((tx) => library.commit(tx, staged, videoId, points));
        // As if the process had ended before it could publish the write.
        await index.sweepVideo(INDEX, videoId);
        expect(await contents()).toEqual({ [await live(videoId)]: 3 });
        expect(await library.ids([1, 0, 0])).toEqual(["b0", "b2"]);
        await pending.publish();
        expect(await contents()).toEqual({ [await live(videoId)]: 3 });
      });

      it("is asked for in vain in an unknown index", async () => {
        const refused = { code: "VECTOR_INDEX_NOT_FOUND" };
        await expect(contents("none@1")).rejects.toMatchObject(refused);
        await expect(index.contentsOf("none@1", ["a"])).rejects.toMatchObject(refused);
      });
    });

    it("is healthy", async () => {
      expect(await index.health()).toMatchObject({ ok: true });
    });

    it("refuses everything once it is closed, and says so", async () => {
      const closing = await engine.open(catalog);
      await closing.close();
      await closing.close();
      expect(await closing.health()).toMatchObject({ ok: false });
      await expect(new Library(catalog, closing).query([1, 0, 0])).rejects.toMatchObject({
        code: "VECTOR_INDEX_UNAVAILABLE",
      });
    });
  });
}
