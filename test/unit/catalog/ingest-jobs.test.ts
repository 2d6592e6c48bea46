import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { IngestJobRecord } from "../../../src/catalog/index.js";
import { addJob, addVideo, openTestCatalog, type TestCatalog } from "../../fixtures/catalog.js";

let test: TestCatalog;
beforeEach(async () => {
  test = await openTestCatalog();
});
afterEach(() => test.end());

const now = new Date("2026-01-01T12:00:00Z");
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const lease = (workerId: string) => ({ workerId, expiresAt: later(60) });

async function addJobs(count: number): Promise<IngestJobRecord[]> {
  const jobs = [];
  for (let i = 0; i < count; i++) jobs.push(await addJob(test.catalog, await addVideo(test.catalog)));
  return jobs;
}

describe("claiming a job", () => {
  it("takes the oldest, counts the attempt, and gives nothing when none waits", async () => {
    const [first, second] = await addJobs(2);
    const { jobs } = test.catalog;
    expect(await jobs.claim(lease("w"), now)).toMatchObject({
      id: first?.id,
      state: "RUNNING",
      attempts: 1,
      workerId: "w",
    });
    expect(await jobs.claim(lease("w"), now)).toMatchObject({ id: second?.id });
    expect(await jobs.claim(lease("w"), now)).toBeNull();
  });

  it("gives each job to one of several workers only", async () => {
    const all = await addJobs(8);
    const other = await test.reopen();
    const claims = await Promise.all(
      [test.catalog, other, test.catalog, other].map(async ({ jobs }, worker) => {
        const mine = [];
        for (let job; (job = await jobs.claim(lease(`w${worker}`), now)) !== null;) mine.push(job.id);
        return mine;
      }),
    );
    expect(claims.flat().sort()).toEqual(all.map(({ id }) => id).sort());
  });

  it("leaves a job alone while another of its video runs", async () => {
    const video = await addVideo(test.catalog);
    const first = await addJob(test.catalog, video);
    const second = await addJob(test.catalog, video);
    const { jobs } = test.catalog;
    expect((await jobs.claim(lease("w"), now))?.id).toBe(first.id);
    expect(await jobs.claim(lease("w"), now)).toBeNull();
    await test.catalog.transaction((tx) => jobs.complete(tx, first.id, "w"));
    expect((await jobs.claim(lease("w"), now))?.id).toBe(second.id);
  });

  it("leaves a job alone until its next attempt is due", async () => {
    const [job] = await addJobs(1);
    const { jobs } = test.catalog;
    await jobs.claim(lease("w"), now);
    expect(await jobs.retryLater(job!.id, "w", { code: "X", message: "x" }, later(10))).toBe(true);
    expect(await jobs.claim(lease("w"), later(9))).toBeNull();
    expect(await jobs.claim(lease("w"), later(10))).toMatchObject({ attempts: 2, errorCode: "X", nextAttemptAt: null });
  });
});

describe("the order in which jobs are taken", () => {
  /** Queues jobs, oldest first, each given as its tenant and priority, and tells them apart by these. */
  async function queue(...jobs: readonly (readonly [tenant: string, priority?: number])[]): Promise<void> {
    const { catalog } = test;
    for (const [place, [tenant, priority = 0]] of jobs.entries()) {
      const { id } = await addJob(catalog, await addVideo(catalog, { tenant }));
      const data = { priority, externalId: `${tenant}${priority}`, createdAt: later(place) };
      await catalog.transaction((tx) => tx.prisma.ingestJob.update({ where: { id }, data }));
    }
  }
  const take = (turn = 0) => test.catalog.jobs.claim(lease("w"), later(100), { turn });
  async function takeAll(): Promise<string[]> {
    const taken = [];
    for (let job; (job = await take()) !== null;) taken.push(job.externalId ?? "");
    return taken;
  }

  it("is that of their priorities", async () => {
    await queue(["a", -10], ["a"], ["a", 10], ["b", 10], ["b"]);
    expect(await takeAll()).toEqual(["a10", "b10", "a0", "b0", "a-10"]);
  });

  it("lets tenants take turns, however many jobs one of them has", async () => {
    await queue(["a"], ["a"], ["a"], ["a"], ["b"], ["b"], ["c"]);
    expect(await takeAll()).toEqual(["a0", "b0", "c0", "a0", "b0", "a0", "a0"]);
  });

  it("puts first who has the fewest running, also at other priorities", async () => {
    await queue(["a", 10], ["a"], ["b"]);
    expect(await takeAll()).toEqual(["a10", "b0", "a0"]);
  });

  it("passes over jobs that wait for another attempt, and goes on to the next tenant and priority", async () => {
    await queue(["a", 10], ["b", 10], ["a"]);
    for (const tenant of ["a", "b"]) {
      const job = await take();
      expect(job?.tenant).toBe(tenant);
      await test.catalog.jobs.retryLater(job!.id, "w", { code: "X", message: "x" }, later(1000));
    }
    expect(await takeAll()).toEqual(["a0"]);
  });

  it("begins at another priority when it is that one's turn", async () => {
    await queue(["a", 10], ["a", 10], ["a"], ["a", -10], ["a", 10]);
    expect((await take(1))?.priority).toBe(0);
    // Two priorities are left.
    expect((await take(1))?.priority).toBe(-10);
    expect((await take(1))?.priority).toBe(10);
  });
});

describe("a worker that lost its job", () => {
  it("can no longer write anything about it", async () => {
    const [job] = await addJobs(1);
    const { jobs } = test.catalog;
    const claimed = await jobs.claim(lease("old"), now);
    expect(await jobs.requeue(claimed!)).toBe(true);
    await jobs.claim(lease("new"), now);
    const id = job!.id;
    expect(await jobs.extendLease(id, lease("old"))).toBe(false);
    expect(await jobs.reportProgress(id, "old", { stage: "ENCODING", progress: 0.5 })).toBe(false);
    expect(await jobs.giveBack(id, "old")).toBe(false);
    expect(await jobs.retryLater(id, "old", { code: "X", message: "x" }, now)).toBe(false);
    expect(await test.catalog.transaction((tx) => jobs.complete(tx, id, "old"))).toBe(false);
    expect(await test.catalog.transaction((tx) => jobs.fail(tx, id, "old", { code: "X", message: "x" }))).toBe(false);
    expect(await jobs.find("a", id)).toMatchObject({
      state: "RUNNING",
      workerId: "new",
      stage: "QUEUED",
      errorCode: null,
    });
    expect(await jobs.requeue(claimed!)).toBe(false);
  });

  it("does not count an attempt that was given back", async () => {
    const [job] = await addJobs(1);
    const { jobs } = test.catalog;
    await jobs.claim(lease("w"), now);
    await jobs.giveBack(job!.id, "w");
    expect(await jobs.find("a", job!.id)).toMatchObject({ state: "PENDING", attempts: 0, workerId: null });
  });
});

describe("the jobs of the catalog", () => {
  it("are cancelled once, and only while they have not ended", async () => {
    const [job] = await addJobs(1);
    const cancel = () => test.catalog.transaction((tx) => test.catalog.jobs.cancel(tx, "a", job!.id));
    expect(await test.catalog.transaction((tx) => test.catalog.jobs.cancel(tx, "b", job!.id))).toBeNull();
    expect(await cancel()).toMatchObject({ state: "CANCELLED" });
    expect(await cancel()).toBeNull();
    expect((await test.catalog.jobs.find("a", job!.id))?.finishedAt).toBeInstanceOf(Date);
  });

  it("are counted, listed and found by video, each tenant for itself", async () => {
    const video = await addVideo(test.catalog);
    await addJob(test.catalog, video);
    const newest = await addJob(test.catalog, video);
    const foreign = await addJob(test.catalog, await addVideo(test.catalog, { tenant: "b" }));
    const { jobs } = test.catalog;
    expect(await jobs.countByState()).toEqual({ PENDING: 3, RUNNING: 0, COMPLETED: 0, FAILED: 0, CANCELLED: 0 });
    expect(await jobs.count("a", { state: "PENDING" })).toBe(2);
    expect((await jobs.list("a", { videoId: video.id }, 1)).map(({ id }) => id)).toEqual([newest.id]);
    expect((await jobs.latestOfVideos("a", [video.id, foreign.videoId!])).get(video.id)?.id).toBe(newest.id);
    expect((await jobs.latestOfVideos("a", [foreign.videoId!])).size).toBe(0);
  });

  it("let go of a provisional video only when none of them can still index it", async () => {
    const video = await addVideo(test.catalog);
    const [first, second] = [await addJob(test.catalog, video), await addJob(test.catalog, video)];
    const { catalog } = test;
    for (const { id } of [first, second]) {
      await catalog.transaction((tx) => catalog.jobs.cancel(tx, "a", id));
      await catalog.transaction((tx) => catalog.videos.deleteAbandoned(tx, video.id));
      expect((await catalog.videos.find("a", video.id)) === null).toBe(id === second.id);
    }
  });
});
