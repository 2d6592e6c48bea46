import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { VideoFilter } from "../../../src/catalog/index.js";
import { addJob, addSegments, addVideo, openTestCatalog, type TestCatalog } from "../../fixtures/catalog.js";

let test: TestCatalog;
beforeEach(async () => {
  test = await openTestCatalog();
});
afterEach(() => test.end());

describe("the videos of the catalog", () => {
  it("come back as they were stored", async () => {
    const metadata = { camera: { site: "north", number: 3 }, tags: ["a", "b"], live: true };
    const video = await addVideo(test.catalog, { externalId: "x", title: "Geräusch 🐕", metadata });
    expect(await test.catalog.videos.find("a", video.id)).toEqual(video);
    expect(video).toMatchObject({ metadata, title: "Geräusch 🐕", state: "PENDING", durationSeconds: null });
  });

  it("are never given to another tenant", async () => {
    const video = await addVideo(test.catalog, { externalId: "x" });
    const { videos } = test.catalog;
    expect(await videos.find("b", video.id)).toBeNull();
    expect(await videos.findByExternalId("b", "x")).toBeNull();
    expect(await videos.findMany("b", [video.id])).toEqual([]);
    expect(await videos.list("b", {}, 10)).toEqual([]);
    expect(await videos.count("b", { ids: [video.id] })).toBe(0);
    expect(await videos.findIds("b", { externalIds: ["x"] })).toEqual([]);
    await test.catalog.transaction((tx) => videos.delete(tx, "b", video.id));
    expect(await videos.find("a", video.id)).not.toBeNull();
  });

  it("share no external id within a tenant, and may share one across tenants", async () => {
    await addVideo(test.catalog, { externalId: "x" });
    await addVideo(test.catalog, { externalId: "x", tenant: "b" });
    await expect(addVideo(test.catalog, { externalId: "x" })).rejects.toThrow();
    expect(await test.catalog.videos.count("a", {})).toBe(1);
  });

  it("are listed newest first, page by page, each once", async () => {
    const added = [];
    for (let i = 0; i < 5; i++) added.push((await addVideo(test.catalog)).id);
    const seen: string[] = [];
    let after;
    for (;;) {
      const page = await test.catalog.videos.list("a", {}, 2, after);
      if (page.length === 0) break;
      seen.push(...page.map(({ id }) => id));
      after = page.at(-1);
    }
    expect([...seen].sort()).toEqual([...added].sort());
    expect(seen).toEqual([...(await test.catalog.videos.list("a", {}, 10))].map(({ id }) => id));
  });

  it("take their segments, vectors and no job with them when they are deleted", async () => {
    const video = await addVideo(test.catalog);
    const job = await addJob(test.catalog, video);
    await addSegments(test.catalog, video, "pack@1", 3);
    await test.catalog.transaction((tx) => test.catalog.videos.delete(tx, "a", video.id));
    expect(await test.catalog.segments.count("pack@1")).toBe(0);
    expect(await test.catalog.vectors.count("pack@1")).toBe(0);
    expect(await test.catalog.jobs.find("a", job.id)).toMatchObject({ videoId: null });
  });
});

describe("texts", () => {
  it("are ordered by their bytes, and told apart by case", async () => {
    const names = ["b", "B", "a", "Z", "ä", "_", "10", "9", "\u{1F600}", "\uFFFD"];
    for (const externalId of names) {
      const video = await addVideo(test.catalog, { externalId });
      const details = { title: null, metadata: null, sourceName: "a", source: video.source };
      await test.catalog.transaction((tx) =>
        test.catalog.videos.markIndexed(tx, video.id, { ...details, durationSeconds: 1, indexedAt: new Date() }),
      );
    }
    const byBytes = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect((await test.catalog.videos.indexed("a")).map(({ externalId }) => externalId)).toEqual(byBytes);
    expect((await test.catalog.videos.findByExternalId("a", "B"))?.externalId).toBe("B");
  });

  it("that no database holds are not found, and do no harm", async () => {
    expect(await test.catalog.videos.findByExternalId("a", "x\0y")).toBeNull();
    expect(await test.catalog.videos.find("a", "\0")).toBeNull();
  });

  it("and numbers and dates come back as they were, to the millisecond", async () => {
    const metadata = {
      text: 'ä\u{1F600}"\\\n',
      long: "x".repeat(60_000),
      numbers: [0.1, -1e-300, 12345678901234],
      none: null,
    };
    const { id } = await addVideo(test.catalog, { metadata, title: "a'b\"c?d$1" });
    const indexedAt = new Date("2026-03-29T01:30:00.123Z");
    const durationSeconds = 0.1 + 0.2;
    const video = (await test.catalog.videos.find("a", id))!;
    expect(video).toMatchObject({ metadata, title: "a'b\"c?d$1" });
    const { title, sourceName, source } = video;
    await test.catalog.transaction((tx) =>
      test.catalog.videos.markIndexed(tx, id, { title, metadata, sourceName, source, durationSeconds, indexedAt }),
    );
    expect(await test.catalog.videos.find("a", id)).toMatchObject({ indexedAt, durationSeconds, metadata });
  });
});

describe("a filter of videos", () => {
  const matches = async (filter: VideoFilter) => {
    const records = await test.catalog.videos.list("a", filter, 10);
    expect(await test.catalog.videos.count("a", filter)).toBe(records.length);
    return records.map(({ externalId }) => externalId).sort();
  };

  beforeEach(async () => {
    await addVideo(test.catalog, {
      externalId: "1",
      title: "100% wool",
      metadata: { site: { name: "north" }, take: 3 },
    });
    await addVideo(test.catalog, {
      externalId: "2",
      title: "1000 wolves",
      metadata: { site: { name: "south" }, live: true },
    });
    await addVideo(test.catalog, { externalId: "3", title: "A_B", metadata: { 'od"d': 1 } });
    await addVideo(test.catalog, { externalId: "4" });
  });

  it("lets everything through when it is empty, and nothing through with an empty list", async () => {
    expect(await matches({})).toEqual(["1", "2", "3", "4"]);
    expect(await matches({ ids: [] })).toEqual([]);
    expect(await matches({ externalIds: [] })).toEqual([]);
  });

  it("finds part of a title, whatever the case of its letters", async () => {
    expect(await matches({ titleContains: "WOL" })).toEqual(["2"]);
    expect(await matches({ titleContains: "wo" })).toEqual(["1", "2"]);
  });

  it("takes % and _ in a title as they are", async () => {
    expect(await matches({ titleContains: "0% w" })).toEqual(["1"]);
    expect(await matches({ titleContains: "1%o" })).toEqual([]);
    expect(await matches({ titleContains: "a_b" })).toEqual(["3"]);
  });

  it("compares values in the metadata", async () => {
    expect(await matches({ metadata: [{ path: ["site", "name"], equals: "north" }] })).toEqual(["1"]);
    expect(await matches({ metadata: [{ path: ["take"], equals: 3 }] })).toEqual(["1"]);
    expect(await matches({ metadata: [{ path: ["live"], equals: true }] })).toEqual(["2"]);
    expect(await matches({ metadata: [{ path: ["live"], equals: false }] })).toEqual([]);
    expect(await matches({ metadata: [{ path: ["site"], equals: "north" }] })).toEqual([]);
  });

  it("takes a number for a number, a text for a text, and a key for that of an object", async () => {
    const metadata = {
      n: 1,
      whole: 2.0,
      big: 1234567890123,
      word: "1",
      yes: true,
      list: ["x"],
      deep: { "0": "y" },
      sign: "ä%_\\",
    };
    await addVideo(test.catalog, { externalId: "5", metadata });
    const finds = async (path: string[], equals: unknown) =>
      (await matches({ metadata: [{ path, equals }] })).length === 1;
    const right: [string[], unknown][] = [
      [["n"], 1],
      [["whole"], 2],
      [["big"], 1234567890123],
      [["word"], "1"],
      [["yes"], true],
      [["deep", "0"], "y"],
      [["sign"], "ä%_\\"],
    ];
    for (const [place, value] of right) expect([place, await finds(place, value)]).toEqual([place, true]);
    const wrong: [string[], unknown][] = [
      [["n"], "1"],
      [["n"], 2],
      [["word"], 1],
      [["yes"], "true"],
      [["list", "0"], "x"],
      [["list"], "x"],
      [["sign"], "Ä%_\\"],
      [["sign"], "ä\0"],
    ];
    for (const [place, value] of wrong)
      expect([place, value, await finds(place, value)]).toEqual([place, value, false]);
  });

  it("tells letters with accents in the other case apart", async () => {
    await addVideo(test.catalog, { externalId: "5", title: "Ärger im Maßstab" });
    expect(await matches({ titleContains: "ÄRGER IM MA" })).toEqual(["5"]);
    expect(await matches({ titleContains: "ärger" })).toEqual([]);
    expect(await matches({ titleContains: "rger\0" })).toEqual([]);
  });

  it("needs all of its parts to hold", async () => {
    expect(await matches({ externalIds: ["1", "2"], metadata: [{ path: ["site", "name"], equals: "south" }] })).toEqual(
      ["2"],
    );
    expect(await matches({ createdBefore: new Date(0) })).toEqual([]);
    expect(await matches({ createdAfter: new Date(0), titleContains: "wool" })).toEqual(["1"]);
  });

  it.each([
    { path: [], equals: 1 },
    { path: ['od"d'], equals: 1 },
    { path: ["take"], equals: { a: 1 } },
    { path: ["take"], equals: null },
  ])("refuses what cannot be compared: %j", async (condition) => {
    await expect(matches({ metadata: [condition] })).rejects.toMatchObject({ code: "INVALID_FILTER" });
  });
});
