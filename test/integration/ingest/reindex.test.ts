import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { EarshotOptions, Logger } from "../../../src/config/index.js";
import { toGlobalId } from "../../../src/graphql/ids.js";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { createEarshot } from "../../../src/index.js";
import type { JobUpdate } from "../../../src/ingest/index.js";
import { startServer } from "../../../src/server/index.js";
import { writeWaitingDecoder } from "../../fixtures/decoder-script.js";
import { openTestEarshot, TEST_PACK_WORD, type AnyData } from "../../fixtures/earshot.js";
import { openIngesting, quickIngest } from "../../fixtures/ingesting.js";
import { runAndKill } from "../../fixtures/killed-process.js";
import { writeWav } from "../../fixtures/media-files.js";
import { addPackVersion } from "../../fixtures/pack-versions.js";
import { recordedLog } from "../../fixtures/recorded-log.js";
import { SAMPLE_RATE, tone } from "../../fixtures/sounds.js";
import { TINY_PACK } from "../../fixtures/tiny-pack.js";

const OLD = "tiny@1.0.0";
const NEW = "tiny@2.0.0";

/** Pitch that the pack hears as TEST_PACK_WORD. */
const ALARM_HERTZ = 2000;

const REINDEX = `id index fromIndex state errorCode errorMessage
  progress { total done failed share } failures { externalId sourceName code }`;

/** How long to wait for what takes its time on a busy machine. */
const PATIENCE = { timeout: 60_000, interval: 50 };

/** A library with videos "a", "b" and so on, all of an alarm, and the pack that it may change over to. */
async function library(count: number, options: EarshotOptions = {}) {
  const packs = await packFolder();
  const test = await openIngesting([packs.media], { ...options, modelPackRoots: [packs.roots] });
  onTestFinished(() => test.end());
  const write = (name: string, seconds = 4, hertz = ALARM_HERTZ) =>
    writeWav(path.join(packs.media, `${name}.wav`), tone(hertz, seconds * SAMPLE_RATE));
  const names = Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i));
  for (const name of names) {
    const { state } = await test.ingestFile(await write(name), name);
    expect(state).toBe("COMPLETED");
  }
  /** Runs a mutation on a re-index; gives its payload. */
  const mutate = async (operation: string, input: object): Promise<AnyData> => {
    const inputs: Record<string, string> = {
      startReindex: "StartReindexInput",
      swapIndex: "SwapIndexInput",
      dropIndex: "DropIndexInput",
    };
    const type = inputs[operation] ?? "ReindexInput";
    const { data, errors } = await test.run(
      `mutation ($input: ${type}!) { ${operation}(input: $input) {
        ${operation === "dropIndex" ? "droppedIndex" : `reindex { ${REINDEX} }`} userErrors { code message }
      } }`,
      { input },
    );
    expect(errors).toBeUndefined();
    return data![operation] as AnyData;
  };
  const begin = async (input: object = {}) => {
    const { reindex, userErrors } = await mutate("startReindex", { modelPack: NEW, ...input });
    expect(userErrors).toEqual([]);
    return reindex as AnyData;
  };
  const read = async (id: string) =>
    (await test.run(`query ($id: ID!) { reindex(id: $id) { ${REINDEX} } }`, { id })).data!["reindex"] as AnyData;
  /** Waits until a re-index is in a state. */
  const reached = (id: string, state: string) =>
    vi.waitFor(async () => {
      const reindex = await read(id);
      expect(reindex["state"]).toBe(state);
      return reindex;
    }, PATIENCE);
  const search = async (): Promise<{ index: string; videos: string[] }> => {
    const { data, errors } = await test.run(
      `query ($query: String!) {
        searchVideosByAudio(query: $query, first: 50, minRelevance: 0.5) { index { index } nodes { externalId } }
      }`,
      { query: TEST_PACK_WORD },
    );
    expect(errors).toBeUndefined();
    const { index, nodes } = data!["searchVideosByAudio"] as AnyData;
    return { index: index.index, videos: nodes.map(({ externalId }: AnyData) => externalId).sort() };
  };
  return { test, packs, names, write, mutate, begin, read, reached, search };
}

/** Media folder and folder of packs, with the new version of the pack. */
async function packFolder(): Promise<{ media: string; roots: string }> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-reindex-")));
  onTestFinished(() => rm(folder, { recursive: true }));
  const roots = path.join(folder, "packs");
  await addPackVersion(roots, "2.0.0");
  return { media: path.join(folder, "media"), roots };
}

describe("a re-index", () => {
  it("puts every video into the new index and changes over, while searches always find everything in one of the two", async () => {
    const { test, names, begin, reached, search } = await library(5);
    const before = await test.run(
      `{ videos { nodes { id title indexedAt latestJob { id } } } ingestJobs { totalCount } }`,
    );
    const { id, index, fromIndex } = await begin();
    expect([index, fromIndex]).toEqual([NEW, OLD]);
    const over = new AbortController();
    const answers: { index: string; videos: string[] }[] = [];
    const searching = (async () => {
      while (!over.signal.aborted) answers.push(await search());
    })();
    const reindex = await reached(id, "COMPLETED");
    await vi.waitFor(() => expect(answers.at(-1)?.index).toBe(NEW), PATIENCE);
    over.abort();
    await searching;
    for (const { videos } of answers) expect(videos).toEqual(names);
    const used = answers.map((answer) => answer.index);
    expect(new Set(used)).toEqual(new Set([OLD, NEW]));
    // Once changed over, never back.
    expect(used).toEqual([...used].sort());
    expect(reindex["progress"]).toEqual({ total: 5, done: 5, failed: 0, share: 1 });
    // To everyone else, nothing has happened.
    const after = await test.run(
      `{ videos { nodes { id title indexedAt latestJob { id } } } ingestJobs { totalCount } }`,
    );
    expect(after.data).toEqual(before.data);
  });

  it("keeps up with what is ingested, replaced and deleted until someone changes over; then the old index can go", async () => {
    const { test, write, mutate, begin, reached, search } = await library(3);
    const { id } = await begin({ swapAutomatically: false });
    await reached(id, "READY");
    expect((await search()).index).toBe(OLD);
    // "a" no longer sounds an alarm, "b" goes, "d" comes.
    await test.ingestFile(await write("a", 4, 250), "a");
    await test.earshot.ingest.deleteVideo(DEFAULT_TENANT, { externalId: "b" });
    await test.ingestFile(await write("d"), "d");
    await vi.waitFor(async () => {
      expect((await mutate("swapIndex", { id })).userErrors).toEqual([]);
    }, PATIENCE);
    expect(await search()).toEqual({ index: NEW, videos: ["c", "d"] });
    // What comes now goes into the new index.
    await test.ingestFile(await write("e"), "e");
    expect((await search()).videos).toEqual(["c", "d", "e"]);

    expect((await mutate("dropIndex", { index: NEW })).userErrors).toMatchObject([{ code: "INDEX_IN_USE" }]);
    expect(await mutate("dropIndex", { index: OLD })).toEqual({ droppedIndex: OLD, userErrors: [] });
    expect((await mutate("dropIndex", { index: OLD })).userErrors).toMatchObject([{ code: "VECTOR_INDEX_NOT_FOUND" }]);
    expect(await search()).toEqual({ index: NEW, videos: ["c", "d", "e"] });
    const { data } = await test.run(`{ indexes { name live building videoCount segmentCount modelPackIsHere } }`);
    expect(data!["indexes"]).toEqual([
      {
        name: NEW,
        live: true,
        building: false,
        videoCount: 4,
        segmentCount: expect.any(Number) as number,
        modelPackIsHere: true,
      },
    ]);
    expect(await test.earshot.catalog.vectors.count(OLD)).toBe(0);
  });

  it("stops, goes on, and ends when it is told to; the next one uses what it left", async () => {
    const { test, mutate, begin, read, reached } = await library(2);
    // Nothing works on the jobs, so they stay where they are.
    await test.earshot.ingest.stop();
    const { id } = await begin({ swapAutomatically: false });
    const waiting = () => test.earshot.catalog.jobs.countByState().then(({ PENDING }) => PENDING);
    expect(await waiting()).toBe(2);
    expect((await mutate("startReindex", { modelPack: NEW })).userErrors).toMatchObject([
      { code: "REINDEX_UNDER_WAY" },
    ]);
    expect((await mutate("pauseReindex", { id })).reindex).toMatchObject({ state: "PAUSED" });
    expect(await waiting()).toBe(0);
    expect((await mutate("pauseReindex", { id })).userErrors).toMatchObject([{ code: "REINDEX_STATE" }]);
    expect((await mutate("dropIndex", { index: NEW })).userErrors).toMatchObject([{ code: "INDEX_IN_USE" }]);
    expect((await mutate("resumeReindex", { id })).reindex).toMatchObject({ state: "RUNNING" });
    await test.earshot.ingest.start();
    await reached(id, "READY");
    expect((await mutate("cancelReindex", { id })).reindex).toMatchObject({ state: "CANCELLED" });
    expect((await mutate("swapIndex", { id })).userErrors).toMatchObject([{ code: "REINDEX_STATE" }]);

    await test.earshot.ingest.stop();
    const next = await begin();
    // There was nothing left to do.
    expect(await read(next["id"] as string)).toMatchObject({ state: "COMPLETED", progress: { total: 2, done: 2 } });
    expect((await mutate("startReindex", { modelPack: NEW })).userErrors).toMatchObject([
      { code: "REINDEX_NOT_NEEDED" },
    ]);
  });

  it("names the videos that cannot be indexed, tries them again, and changes over without them only when told to", async () => {
    const once = { ingest: { ...quickIngest, maxAttempts: 1 } };
    const { packs, mutate, begin, reached, search, write } = await library(3, once);
    for (const name of ["b", "c"]) await rm(path.join(packs.media, `${name}.wav`));
    const { id } = await begin();
    const gone = { code: "SOURCE_NOT_FOUND" };
    expect(await reached(id, "READY")).toMatchObject({
      errorCode: "REINDEX_INCOMPLETE",
      progress: { total: 3, done: 1, failed: 2 },
      failures: [{ sourceName: expect.any(String) as string, ...gone }, gone],
    });
    await write("b");
    await mutate("resumeReindex", { id });
    expect(await reached(id, "READY")).toMatchObject({
      progress: { total: 3, done: 2, failed: 1 },
      failures: [{ externalId: "c", sourceName: "c.wav", ...gone }],
    });
    expect((await mutate("swapIndex", { id })).userErrors).toMatchObject([{ code: "REINDEX_INCOMPLETE" }]);
    expect(await search()).toEqual({ index: OLD, videos: ["a", "b", "c"] });
    expect((await mutate("swapIndex", { id, allowMissing: true })).reindex).toMatchObject({ state: "COMPLETED" });
    expect(await search()).toEqual({ index: NEW, videos: ["a", "b"] });
    // Into the index in use, a re-index fills in what is missing.
    await write("c");
    const again = await begin();
    await reached(again["id"] as string, "COMPLETED");
    expect(await search()).toEqual({ index: NEW, videos: ["a", "b", "c"] });
  });

  /** A library of one video whose re-index is ready, and another video in the middle of its ingest until it is let go. */
  const libraryAtWork = async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "earshot-decoder-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const decoder = await writeWaitingDecoder(path.join(folder, "ffmpeg"), "slow");
    const started = await library(1, { ffmpegPath: decoder.program });
    const { id } = await started.begin({ swapAutomatically: false });
    await started.reached(id, "READY");
    const { ingest } = started.test.earshot;
    const encoding = new Promise<void>((resolve) => {
      ingest.events.on("job", ({ stage }: JobUpdate) => {
        if (stage === "ENCODING") resolve();
      });
    });
    const source = { path: await started.write("slow") };
    const job = await ingest.submit({ source, externalId: "slow" }, DEFAULT_TENANT);
    await encoding;
    const end = async () => {
      await decoder.letGo();
      return ingest.waitFor(DEFAULT_TENANT, job.id);
    };
    return { ...started, id, end };
  };

  it("changes over under a video that is being ingested: that is encoded anew, for the new index", async () => {
    const { test, mutate, search, id, end } = await libraryAtWork();
    expect((await mutate("swapIndex", { id })).userErrors).toEqual([]);
    expect((await end()).state).toBe("COMPLETED");
    expect(await search()).toEqual({ index: NEW, videos: ["a", "slow"] });
    expect((await test.earshot.catalog.indexedVideos.countByIndex()).get(OLD)?.videos).toBe(1);
  });

  it("loses no video that is being ingested when the old index is dropped at once", async () => {
    const { mutate, search, id, end } = await libraryAtWork();
    expect((await mutate("swapIndex", { id })).userErrors).toEqual([]);
    expect((await mutate("dropIndex", { index: OLD })).userErrors).toEqual([]);
    expect(await end()).toMatchObject({ state: "COMPLETED", errorCode: null });
    expect(await search()).toEqual({ index: NEW, videos: ["a", "slow"] });
  });

  it("goes on after its process was killed, and other processes see the change", async () => {
    const { test, packs, names, begin, reached, search } = await library(4);
    const { options } = test.earshot;
    await test.earshot.ingest.stop();
    const { id } = await begin();
    const { dataDirectory, databaseUrl } = options;
    const shared: EarshotOptions = {
      ...{ dataDirectory, databaseUrl, modelPack: TINY_PACK, modelPackRoots: [packs.roots], mediaRoots: [packs.media] },
      ...{ logLevel: "silent", inference: { threads: 1 }, ingest: quickIngest },
    };
    await runAndKill("ingest-process.mjs", [JSON.stringify(shared)], ({ state, stage }: JobUpdate) => {
      return state === "RUNNING" && stage === "COMMITTING";
    });
    expect((await search()).index).toBe(OLD);
    const other = await createEarshot(shared);
    onTestFinished(() => other.close());
    await other.start();
    await reached(id, "COMPLETED");
    await vi.waitFor(async () => {
      expect(await search()).toEqual({ index: NEW, videos: names });
    }, PATIENCE);
    expect(await test.earshot.catalog.jobs.countByState()).toMatchObject({ RUNNING: 0, PENDING: 0 });
  });

  it.each([
    ["lack the pack", false],
    ["cannot load it", true],
  ])("leaves its jobs to others where processes %s, and spends no attempt there", async (_, broken) => {
    const once = { ingest: { ...quickIngest, maxAttempts: 1 } };
    const { test, packs, begin, read, reached, write } = await library(1, once);
    await test.earshot.ingest.stop();
    const { id } = await begin();
    const server = await startServer(test.earshot, { port: 0 });
    onTestFinished(() => server.close());
    const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
    expect(await metrics()).toContain('earshot_reindex_state{state="RUNNING"} 1');
    expect(await metrics()).toContain('earshot_reindex_videos{state="waiting"} 1');

    const places = path.join(path.dirname(packs.roots), "elsewhere");
    if (broken) await rm(path.join(await addPackVersion(places, "2.0.0"), "vggish.onnx"));
    const { dataDirectory, databaseUrl } = test.earshot.options;
    const log = recordedLog();
    const other = await createEarshot({
      ...{ dataDirectory, databaseUrl, modelPack: TINY_PACK, modelPackRoots: [places], mediaRoots: [packs.media] },
      ...{ logger: log as unknown as Logger, inference: { threads: 1 }, ...once },
    });
    onTestFinished(() => other.close());
    await other.start();
    const logged = () => log.lines.map(({ message }) => message);
    await vi.waitFor(() => {
      expect(logged()).toContain("the jobs of a re-index are left to other workers");
    }, PATIENCE);
    const { ingest } = other;
    const job = await ingest.submit({ source: { path: await write("later") }, externalId: "later" }, DEFAULT_TENANT);
    expect(await ingest.waitFor(DEFAULT_TENANT, job.id)).toMatchObject({ state: "COMPLETED" });
    expect(logged().filter((message) => message.includes("the queue pauses"))).toEqual([]);
    expect(await read(id)).toMatchObject({ state: "RUNNING", progress: { done: 0, failed: 0 } });

    await test.earshot.ingest.start();
    expect(await reached(id, "COMPLETED")).toMatchObject({ progress: { total: 2, done: 2, failed: 0 }, failures: [] });
    expect(await metrics()).not.toContain("earshot_reindex_state{");
  });

  it("is refused for a pack that is not in the configured places, and to those who have not the right to it", async () => {
    const { test, mutate } = await library(0);
    for (const modelPack of ["tiny@9", path.dirname(TINY_PACK)])
      expect((await mutate("startReindex", { modelPack })).userErrors).toMatchObject([{ code: "PACK_NOT_FOUND" }]);
    const id = toGlobalId("Reindex", "x");
    const host = await openTestEarshot({ context: () => ({ tenant: "t" }) });
    onTestFinished(() => host.end());
    for (const operation of [
      `{ indexes { name } }`,
      `{ reindexes { id } }`,
      `{ reindex(id: "${id}") { id } }`,
      `mutation { startReindex(input: { modelPack: "x" }) { userErrors { code } } }`,
      `mutation { swapIndex(input: { id: "${id}" }) { userErrors { code } } }`,
      `mutation { dropIndex(input: { index: "x" }) { userErrors { code } } }`,
    ]) {
      // A host that names no rights gives none beyond the tenant.
      const { errors } = await host.run(operation);
      expect(errors?.map(({ extensions }) => extensions["code"])).toEqual(["FORBIDDEN"]);
      expect((await test.run(operation)).errors).toBeUndefined();
    }
  });
});
