import { copyFile, rm } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { DEFAULT_TENANT, type ViewerOptions } from "../../../src/graphql/viewer.js";
import { runCommand } from "../../fixtures/command-line.js";
import { openTestEarshot, TEST_PACK, type TestEarshot } from "../../fixtures/earshot.js";
import { quickIngest } from "../../fixtures/ingesting.js";
import { sample } from "../../fixtures/media-samples.js";

let test: TestEarshot;
const as = (viewer?: ViewerOptions): object => ({ hostUser: viewer });

beforeEach(async () => {
  test = await openTestEarshot({
    ingest: quickIngest,
    context: (context) => (context as { hostUser?: ViewerOptions }).hostUser ?? {},
  });
  await test.earshot.start();
});
afterEach(() => test.end());

/** Ingests a file and gives the id of its video. */
async function ingest(externalId: string): Promise<string> {
  const { earshot, media } = test;
  await copyFile(await sample("tone.mp4"), path.join(media, externalId));
  const job = await earshot.ingest.submit(
    { source: { path: externalId }, externalId, title: externalId },
    DEFAULT_TENANT,
  );
  const { videoId } = await earshot.ingest.waitFor(DEFAULT_TENANT, job.id);
  return videoId!;
}

/** As after a backup that was restored in part: the video is known, its vectors are not there. */
async function loseVectors(videoId: string): Promise<void> {
  const { catalog, pack } = test.earshot;
  await catalog.transaction((tx) => catalog.vectors.deleteOfVideo(tx, pack.id, videoId));
}

const reconcile = (dryRun = false) => test.earshot.reconciler.reconcile({ dryRun, requestId: "r1" });

describe("a reconciliation", () => {
  it("finds nothing to do where all is well", async () => {
    await ingest("a.mp4");
    const { segments } = await test.earshot.catalog.indexedVideos.count(test.earshot.pack.id);
    expect(await reconcile()).toEqual({
      indexId: test.earshot.pack.id,
      dryRun: false,
      videos: 1,
      segments,
      points: segments,
      pendingPoints: 0,
      orphanedPoints: 0,
      incompleteVideos: 0,
      queuedVideos: 0,
      unmendedVideos: 0,
      unmended: [],
    });
  });

  it("has videos ingested again whose vectors are missing, as they were, and behind everything else", async () => {
    const { earshot } = test;
    const [broken, whole] = [await ingest("a.mp4"), await ingest("b.mp4")];
    await loseVectors(broken);
    expect(await reconcile(true)).toMatchObject({ videos: 2, incompleteVideos: 1, queuedVideos: 0 });
    expect((await earshot.catalog.jobs.latestOfVideos(DEFAULT_TENANT, [broken])).get(broken)?.state).toBe("COMPLETED");

    await earshot.ingest.stop();
    expect(await reconcile()).toMatchObject({ incompleteVideos: 1, queuedVideos: 1, unmendedVideos: 0 });
    expect(await reconcile()).toMatchObject({ incompleteVideos: 1, queuedVideos: 1 });
    const waiting = await earshot.catalog.jobs.list(DEFAULT_TENANT, { state: "PENDING" }, 10);
    expect(waiting).toMatchObject([{ videoId: broken, priority: -10, requestId: "r1" }]);

    await earshot.ingest.start();
    expect(await earshot.ingest.waitFor(DEFAULT_TENANT, waiting[0]!.id)).toMatchObject({ state: "COMPLETED" });
    expect(await reconcile()).toMatchObject({ videos: 2, incompleteVideos: 0 });
    expect(await earshot.catalog.videos.find(DEFAULT_TENANT, broken)).toMatchObject({
      externalId: "a.mp4",
      title: "a.mp4",
    });
    const page = await earshot.search.search({ tenant: DEFAULT_TENANT, query: "rumble", first: 5, momentsPerVideo: 1 });
    expect(page.hits.map(({ video }) => video.id).sort()).toEqual([broken, whole].sort());
  });

  it("names videos whose source is gone", async () => {
    const videoId = await ingest("a.mp4");
    await loseVectors(videoId);
    await rm(path.join(test.media, "a.mp4"));
    expect(await reconcile()).toMatchObject({
      incompleteVideos: 1,
      queuedVideos: 0,
      unmendedVideos: 1,
      unmended: [{ id: videoId, tenant: DEFAULT_TENANT, externalId: "a.mp4", code: "SOURCE_NOT_FOUND" }],
    });
  });

  it("leaves a video alone that somebody submits anew meanwhile, with another title", async () => {
    const { catalog, ingest: service } = test.earshot;
    const videoId = await ingest("a.mp4");
    await loseVectors(videoId);
    const anew = { source: { path: "a.mp4" }, externalId: "a.mp4", title: "new" };
    const transaction = catalog.transaction.bind(catalog);
    // Behind the reconciliation's reads, before it writes.
    const before = vi.spyOn(catalog, "transaction").mockImplementationOnce(async (work) => {
      await service.submit(anew, DEFAULT_TENANT);
      return transaction(work);
    });
    onTestFinished(() => before.mockRestore());
    await service.stop();
    expect(await reconcile()).toMatchObject({ incompleteVideos: 1, queuedVideos: 1 });
    expect(await catalog.jobs.list(DEFAULT_TENANT, { state: "PENDING" }, 10)).toMatchObject([
      { videoId, order: { title: "new" } },
    ]);
  });

  it("queues what the video has become since it was looked at", async () => {
    const { catalog, ingest: service } = test.earshot;
    const videoId = await ingest("a.mp4");
    const before = (await catalog.videos.find(DEFAULT_TENANT, videoId))!;
    const anew = { source: { path: "a.mp4" }, externalId: "a.mp4", title: "new" };
    await service.waitFor(DEFAULT_TENANT, (await service.submit(anew, DEFAULT_TENANT)).id);
    await service.stop();
    expect(await service.ingestAgain(before, null)).toBe(true);
    expect(await catalog.jobs.list(DEFAULT_TENANT, { state: "PENDING" }, 10)).toMatchObject([
      { videoId, order: { title: "new" } },
    ]);
  });

  it("does not take a deletion that goes on for a loss", async () => {
    const videoId = await ingest("a.mp4");
    await loseVectors(videoId);
    const running = reconcile();
    await test.earshot.ingest.deleteVideo(DEFAULT_TENANT, { id: videoId });
    expect((await running).unmendedVideos).toBe(0);
    expect(await reconcile()).toMatchObject({ videos: 0, points: 0, incompleteVideos: 0 });
  });

  it("ends when it is asked to", async () => {
    await ingest("a.mp4");
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(test.earshot.reconciler.reconcile({ dryRun: true, requestId: null, signal })).rejects.toThrow(
      "enough",
    );
  });
});

describe("the mutation reconcileIndex", () => {
  const operation = `mutation ($input: ReconcileIndexInput!) {
    reconcileIndex(input: $input) {
      reconciliation { index dryRun videos incompleteVideos unmended { videoId externalId code } }
      userErrors { code }
    }
  }`;
  const run = (viewer?: ViewerOptions, input = {}) => test.run(operation, { input }, as(viewer));

  it("is for operators, whom the host has to name", async () => {
    const forbidden = [expect.objectContaining({ extensions: { code: "FORBIDDEN" } })];
    expect((await run({ rights: ["search", "read", "ingest", "evaluator"] })).errors).toEqual(forbidden);
    expect((await run({ tenant: "red" })).errors).toEqual(forbidden);
    const { data } = await run({ rights: ["operator"] });
    expect(data!["reconcileIndex"].reconciliation).toEqual({
      index: test.earshot.pack.id,
      dryRun: false,
      videos: 0,
      incompleteVideos: 0,
      unmended: [],
    });
  });

  it("refuses an unknown index", async () => {
    const { data } = await run({ rights: ["operator"] }, { index: "none@1", dryRun: true });
    expect(data!["reconcileIndex"]).toEqual({
      reconciliation: null,
      userErrors: [{ code: "VECTOR_INDEX_NOT_FOUND" }],
    });
  });
});

describe("earshot reconcile", () => {
  it("says what it found, and ends with 1 while something is left to do", async () => {
    const { folder, media } = test;
    const [broken] = [await ingest("a.mp4"), await ingest("b.mp4")];
    const env = { EARSHOT_DATABASE_URL: test.earshot.options.databaseUrl };
    const common = ["--data-dir", path.join(folder, "data"), "--model-pack", TEST_PACK];
    const command = (...args: string[]) => runCommand(["reconcile", ...args, ...common], env);
    expect(await command()).toMatchObject({ code: 0, complaints: [] });
    await loseVectors(broken);
    const counted = await command("--dry-run");
    expect(counted.code).toBe(1);
    expect(counted.out[2]).toBe("Videos with missing vectors: 1 (would be ingested again).");
    await rm(path.join(media, "a.mp4"));
    const left = await command();
    expect(left.code).toBe(1);
    expect(left.out[2]).toBe("Videos with missing vectors: 1 (0 queued to be ingested again, 1 left).");
    expect(left.complaints).toEqual(["✗ a.mp4  There is no such file."]);
  });
});
