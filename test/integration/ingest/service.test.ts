import { appendFile, copyFile, mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { IngestJobRecord } from "../../../src/catalog/index.js";
import type { ResolvedOptions } from "../../../src/config/index.js";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import {
  createIngestService,
  type IngestInput,
  type IngestService,
  type JobUpdate,
} from "../../../src/ingest/index.js";
import { openTestEarshot, type TestEarshot } from "../../fixtures/earshot.js";
import { quickIngest } from "../../fixtures/ingesting.js";
import { sample, type SampleName } from "../../fixtures/media-samples.js";

let test: TestEarshot;
/** The service under test; its queue works from `start()` on. */
let ingest: IngestService;
beforeAll(async () => {
  test = await openTestEarshot({ ingest: quickIngest });
});
afterAll(() => test.end());

beforeEach(() => {
  ingest = createIngestService(test.earshot);
});
afterEach(async () => {
  await ingest.stop();
  const { catalog } = test.earshot;
  for (const tenant of [DEFAULT_TENANT, "other"]) {
    for (const { id } of await catalog.videos.list(tenant, {}, 100)) await ingest.deleteVideo(tenant, { id });
  }
  await catalog.transaction((tx) => tx.prisma.ingestJob.deleteMany());
});

/** Puts a sample into the media root. */
async function place(name: SampleName, as: string = name): Promise<string> {
  const file = path.join(test.media, as);
  await copyFile(await sample(name), file);
  return file;
}

async function submit(
  name: SampleName,
  input: Partial<IngestInput> = {},
  tenant = DEFAULT_TENANT,
): Promise<IngestJobRecord> {
  return ingest.submit({ source: { path: await place(name) }, ...input }, tenant);
}

const ended = (job: IngestJobRecord) => ingest.waitFor(job.tenant, job.id);

/** Resolves at the first update of a job that fits. */
function updated(fits: (update: JobUpdate) => boolean): Promise<JobUpdate> {
  return new Promise((resolve) => {
    const listen = (update: JobUpdate) => {
      if (!fits(update)) return;
      ingest.events.off("job", listen);
      resolve(update);
    };
    ingest.events.on("job", listen);
  });
}

async function segmentIds(videoId: string): Promise<string[]> {
  return (await test.earshot.catalog.segments.ofVideos(test.earshot.pack.id, [videoId])).map(({ id }) => id);
}

/** What is stored: to be nothing after a failure. */
async function stored() {
  const { catalog, vectors, pack, options } = test.earshot;
  return {
    videos: await catalog.videos.count(DEFAULT_TENANT, {}),
    segments: await catalog.segments.count(pack.id),
    vectors: await catalog.vectors.count(pack.id),
    searchable: await vectors.count(pack.id),
    files: (await readdir(options.temporaryDirectory).catch(() => [])).length,
  };
}
const nothing = { videos: 0, segments: 0, vectors: 0, searchable: 0, files: 0 };

describe("submitting a video", () => {
  it("returns a job that waits, which then goes through its stages and completes", async () => {
    const updates: JobUpdate[] = [];
    ingest.events.on("job", (update) => updates.push(update));
    const job = await submit("tone.mp4", { title: "Tone", metadata: { a: [1, { b: null }] }, requestId: "r1" });
    expect(job).toMatchObject({ state: "PENDING", stage: "QUEUED", attempts: 0, requestId: "r1" });
    const completed = updated(({ state }) => state === "COMPLETED");
    await ingest.start();
    await completed;
    expect(await ended(job)).toMatchObject({ state: "COMPLETED", attempts: 1, progress: 1, errorCode: null });

    expect([...new Set(updates.map(({ state, stage }) => `${state} ${stage}`))]).toEqual([
      "PENDING QUEUED",
      "RUNNING PROBING",
      "RUNNING ENCODING",
      "RUNNING COMMITTING",
      "COMPLETED COMMITTING",
    ]);
    const progress = updates.map((update) => update.progress ?? -1);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    const video = await test.earshot.catalog.videos.find(DEFAULT_TENANT, job.videoId!);
    expect(video).toMatchObject({
      title: "Tone",
      metadata: { a: [1, { b: null }] },
      state: "INDEXED",
      sourceName: "tone.mp4",
    });
  });

  it("gives no share of progress while the length of the file is unknown", async () => {
    await ingest.start();
    const encoding = updated(({ stage }) => stage === "ENCODING");
    const job = await submit("no-duration.webm");
    expect((await encoding).progress).toBeNull();
    expect(await ended(job)).toMatchObject({ state: "COMPLETED", progress: 1 });
  });

  it("again under the same external id replaces the segments, title and metadata", async () => {
    await ingest.start();
    const first = await ended(await submit("tone.mp4", { externalId: "x", title: "Old", metadata: { old: true } }));
    const before = await segmentIds(first.videoId!);
    const second = await ended(await submit("whistle.mp4", { externalId: "x", title: "New" }));
    expect(second.videoId).toBe(first.videoId);
    const after = await segmentIds(first.videoId!);
    expect(after).toHaveLength(before.length);
    expect(after.filter((id) => before.includes(id))).toEqual([]);
    expect(await stored()).toMatchObject({
      videos: 1,
      segments: after.length,
      vectors: after.length,
      searchable: after.length,
    });
    const video = await test.earshot.catalog.videos.findByExternalId(DEFAULT_TENANT, "x");
    expect(video).toMatchObject({ title: "New", metadata: null, sourceName: "whistle.mp4" });
  });

  it("keeps what was there, findable, until the new segments are committed", async () => {
    await ingest.start();
    const first = await ended(await submit("tone.mp4", { externalId: "x", title: "Old" }));
    const before = await segmentIds(first.videoId!);
    const encoding = updated(({ stage }) => stage === "ENCODING");
    const second = await submit("long.mp4", { externalId: "x", title: "New" });
    await encoding;
    expect(await segmentIds(first.videoId!)).toEqual(before);
    expect(await test.earshot.catalog.videos.findByExternalId(DEFAULT_TENANT, "x")).toMatchObject({ title: "Old" });
    await ended(second);
    expect((await segmentIds(first.videoId!)).length).toBeGreaterThan(before.length);
  });

  it("leaves what was there when it fails", async () => {
    await ingest.start();
    const first = await ended(await submit("tone.mp4", { externalId: "x", title: "Old" }));
    const before = await segmentIds(first.videoId!);
    const second = await ended(await submit("no-audio.mp4", { externalId: "x", title: "New" }));
    expect(second).toMatchObject({ state: "FAILED", errorCode: "MEDIA_NO_AUDIO", attempts: 1 });
    expect(await segmentIds(first.videoId!)).toEqual(before);
    const video = await test.earshot.catalog.videos.findByExternalId(DEFAULT_TENANT, "x");
    expect(video).toMatchObject({ title: "Old", state: "INDEXED", sourceName: "tone.mp4" });
  });

  it("leaves nothing but the failed job when the first ingest fails", async () => {
    await ingest.start();
    const job = await ended(await submit("silent.mp4", { externalId: "x" }));
    expect(job).toMatchObject({ state: "FAILED", errorCode: "MEDIA_SILENT", externalId: "x", videoId: null });
    expect(job.errorMessage).not.toContain("/");
    expect(await stored()).toEqual(nothing);
  });

  it("overtakes a job of the same video that still waits", async () => {
    const first = await submit("tone.mp4", { externalId: "x", title: "First" });
    const second = await submit("whistle.mp4", { externalId: "x", title: "Second" });
    expect(await test.earshot.catalog.jobs.find(DEFAULT_TENANT, first.id)).toMatchObject({ state: "CANCELLED" });
    expect(second.videoId).toBe(first.videoId);
    await ingest.start();
    await ended(second);
    expect(await test.earshot.catalog.videos.findByExternalId(DEFAULT_TENANT, "x")).toMatchObject({ title: "Second" });
  });

  it("keeps tenants apart, also under the same external id", async () => {
    await ingest.start();
    const mine = await ended(await submit("tone.mp4", { externalId: "x" }));
    const theirs = await ended(await submit("tone.mp4", { externalId: "x" }, "other"));
    expect(mine.videoId).not.toBe(theirs.videoId);
    await expect(ingest.cancel("other", mine.id)).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
    await expect(ingest.deleteVideo("other", { id: mine.videoId! })).rejects.toMatchObject({
      code: "VIDEO_NOT_FOUND",
    });
    await ingest.deleteVideo("other", { externalId: "x" });
    expect((await segmentIds(mine.videoId!)).length).toBeGreaterThan(0);
  });

  it("stores nothing when the source is refused", async () => {
    const refused = ingest.submit({ source: { path: "/etc/passwd" }, externalId: "x" }, DEFAULT_TENANT);
    await expect(refused).rejects.toMatchObject({ code: "SOURCE_OUTSIDE_ROOTS" });
    expect(await stored()).toEqual(nothing);
    expect(await test.earshot.catalog.jobs.count(DEFAULT_TENANT, {})).toBe(0);
  });
});

describe("trying a job again", () => {
  it("keeps its priority", async () => {
    const job = await submit("tone.mp4", { priority: "HIGH", title: "Tone" });
    await ingest.cancel(DEFAULT_TENANT, job.id);
    const again = await ingest.retry(DEFAULT_TENANT, job.id);
    expect(again).toMatchObject({ state: "PENDING", priority: job.priority, order: { title: "Tone" } });
    expect(again.priority).toBeGreaterThan(0);
  });

  it("is for the same video, also when that has no external id", async () => {
    await ingest.start();
    const { videoId } = await ended(await submit("tone.mp4"));
    await ingest.stop();
    const video = await test.earshot.catalog.videos.find(DEFAULT_TENANT, videoId!);
    await ingest.ingestAgain(video!, null);
    const latest = await test.earshot.catalog.jobs.latestOfVideos(DEFAULT_TENANT, [videoId!]);
    const { id, priority } = await ingest.cancel(DEFAULT_TENANT, latest.get(videoId!)!.id);
    const again = await ingest.retry(DEFAULT_TENANT, id);
    expect(again).toMatchObject({ videoId, priority });
    expect(await stored()).toMatchObject({ videos: 1 });
  });
});

describe("a source that changes", () => {
  it("between submission and work is refused when it is gone", async () => {
    // The root is not empty: that would be another matter.
    await place("whistle.mp4");
    const file = await place("tone.mp4");
    const job = await ingest.submit({ source: { path: file } }, DEFAULT_TENANT);
    await rm(file);
    await ingest.start();
    expect(await ended(job)).toMatchObject({ state: "FAILED", errorCode: "SOURCE_NOT_FOUND", attempts: 1 });
    expect(await stored()).toEqual(nothing);
  });

  it("while it is read is read again from the start", async () => {
    await ingest.start();
    const encoding = updated(({ stage }) => stage === "ENCODING");
    const again = updated(({ errorCode }) => errorCode === "SOURCE_CHANGED");
    const job = await submit("long.mp4");
    await encoding;
    await appendFile(path.join(test.media, "long.mp4"), "more");
    await again;
    expect(await ended(job)).toMatchObject({ state: "COMPLETED", attempts: 2, errorCode: null });
  });

  it("is not called damaged while it is still being copied", async () => {
    await ingest.start();
    const file = path.join(test.media, "slow-copy.mp4");
    await copyFile(await sample("truncated-no-index.mp4"), file);
    const probing = updated(({ stage }) => stage === "PROBING");
    const again = updated(({ errorCode }) => errorCode === "SOURCE_CHANGED");
    const job = await ingest.submit({ source: { path: file } }, DEFAULT_TENANT);
    await probing;
    await copyFile(await sample("tone.mp4"), file);
    await again;
    expect(await ended(job)).toMatchObject({ state: "COMPLETED", attempts: 2 });
  });
});

describe("a media root that is away", () => {
  it.each([
    ["missing", () => Promise.resolve()],
    ["empty, as where nothing is mounted", (root: string) => mkdir(root)],
  ])("because it is %s fails no job; they complete when it is back", async (_, leave) => {
    const jobs = [await submit("tone.mp4"), await submit("whistle.mp4")];
    const away = `${test.media}.away`;
    await rename(test.media, away);
    try {
      await leave(test.media);
      const givenBack = updated(({ errorCode }) => errorCode === "MEDIA_ROOT_UNAVAILABLE");
      await ingest.start();
      await givenBack;
      expect(ingest.status()?.paused).toMatchObject({
        code: "MEDIA_ROOT_UNAVAILABLE",
        message: expect.not.stringContaining(test.media) as string,
      });
      for (const { id } of jobs) {
        const job = await test.earshot.catalog.jobs.find(DEFAULT_TENANT, id);
        expect(job).toMatchObject({ state: "PENDING", attempts: 0, errorCode: null });
      }
    } finally {
      await rm(test.media, { recursive: true, force: true });
      await rename(away, test.media);
    }
    for (const job of jobs) expect(await ended(job)).toMatchObject({ state: "COMPLETED", attempts: 1 });
  });
});

describe("cancelling and deleting", () => {
  it("ends a job that waits, and its provisional video", async () => {
    const job = await submit("tone.mp4");
    expect(await ingest.cancel(DEFAULT_TENANT, job.id)).toMatchObject({
      state: "CANCELLED",
      videoId: null,
    });
    await ingest.start();
    expect(await stored()).toEqual(nothing);
  });

  it("ends a job that runs, and leaves nothing behind", async () => {
    await ingest.start();
    const encoding = updated(({ stage }) => stage === "ENCODING");
    const job = await submit("long.mp4");
    await encoding;
    expect(await ingest.cancel(DEFAULT_TENANT, job.id)).toMatchObject({ state: "CANCELLED" });
    // The next job begins when this one has let go.
    await ended(await submit("tone.mp4", { externalId: "next" }));
    await ingest.deleteVideo(DEFAULT_TENANT, { externalId: "next" });
    expect(await stored()).toEqual(nothing);
  });

  it("leaves a job alone that has ended", async () => {
    await ingest.start();
    const job = await ended(await submit("tone.mp4"));
    expect(await ingest.cancel(DEFAULT_TENANT, job.id)).toMatchObject({ state: "COMPLETED" });
  });

  it("removes a video while it is being ingested again", async () => {
    await ingest.start();
    await ended(await submit("tone.mp4", { externalId: "x" }));
    const encoding = updated(({ stage }) => stage === "ENCODING");
    const second = await submit("long.mp4", { externalId: "x" });
    await encoding;
    await ingest.deleteVideo(DEFAULT_TENANT, { externalId: "x" });
    expect(await ended(second)).toMatchObject({ state: "CANCELLED", videoId: null });
    await ingest.stop();
    expect(await stored()).toEqual(nothing);
  });

  it("says so when there is nothing to delete or to cancel", async () => {
    await expect(ingest.deleteVideo(DEFAULT_TENANT, { id: "none" })).rejects.toMatchObject({
      code: "VIDEO_NOT_FOUND",
      field: "id",
    });
    await expect(ingest.deleteVideo(DEFAULT_TENANT, { externalId: "none" })).rejects.toMatchObject({
      field: "externalId",
    });
    await expect(ingest.cancel(DEFAULT_TENANT, "none")).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
    await expect(ingest.waitFor(DEFAULT_TENANT, "none")).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
  });
});

describe("stopping", () => {
  it("gives the running job back without counting the attempt, and it completes after the next start", async () => {
    await ingest.start();
    const encoding = updated(({ stage }) => stage === "ENCODING");
    const job = await submit("long.mp4");
    await encoding;
    await ingest.stop();
    expect(await test.earshot.catalog.jobs.find(DEFAULT_TENANT, job.id)).toMatchObject({
      state: "PENDING",
      attempts: 0,
      workerId: null,
      leaseExpiresAt: null,
    });
    expect(await stored()).toEqual({ ...nothing, videos: 1 });
    await ingest.start();
    expect(await ended(job)).toMatchObject({ state: "COMPLETED", attempts: 1 });
  });

  it("leaves jobs that wait in the queue", async () => {
    const jobs = [await submit("tone.mp4"), await submit("tone.webm")];
    await ingest.stop();
    for (const { id } of jobs) {
      expect(await test.earshot.catalog.jobs.find(DEFAULT_TENANT, id)).toMatchObject({ state: "PENDING" });
    }
  });

  it("ends a wait when its signal does", async () => {
    const job = await submit("tone.mp4");
    const abort = new AbortController();
    const waiting = ingest.waitFor(DEFAULT_TENANT, job.id, abort.signal);
    abort.abort(new Error("no longer"));
    await expect(waiting).rejects.toThrow("no longer");
  });
});

describe("limits", () => {
  const withLimits = (limits: Partial<ResolvedOptions["limits"]>) => {
    const { options } = test.earshot;
    return createIngestService({ ...test.earshot, options: { ...options, limits: { ...options.limits, ...limits } } });
  };

  it.each([
    [{ maxDurationSeconds: 5 }, "tone.mp4", "MEDIA_TOO_LONG"],
    [{ maxDurationSeconds: 5 }, "no-duration.webm", "MEDIA_TOO_LONG"],
    [{ maxFileBytes: 1000 }, "tone.mp4", "MEDIA_TOO_LARGE"],
  ] as const)("%j refuse %s with %s", async (limits, name, code) => {
    ingest = withLimits(limits);
    await ingest.start();
    expect(await ended(await submit(name))).toMatchObject({ state: "FAILED", errorCode: code, attempts: 1 });
    expect(await stored()).toEqual(nothing);
  });

  it("on time are tried again, as often as allowed", async () => {
    ingest = withLimits({ stallTimeoutSeconds: 0.001 });
    await ingest.start();
    expect(await ended(await submit("long.mp4"))).toMatchObject({
      state: "FAILED",
      errorCode: "MEDIA_DECODE_TIMEOUT",
      attempts: 3,
    });
    expect(await stored()).toEqual(nothing);
  });
});
