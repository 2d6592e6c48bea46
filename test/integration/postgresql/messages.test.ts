import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { IngestJobRecord } from "../../../src/catalog/index.js";
import { addJob, addVideo, openTestCatalog, type TestCatalog } from "../../fixtures/catalog.js";

let test: TestCatalog;
beforeEach(async () => {
  test = await openTestCatalog();
});
afterEach(() => test.end());

const lease = { workerId: "w", expiresAt: new Date() };
const claim = async (options: { untold?: boolean } = {}) =>
  test.catalog.jobs.claim(lease, await test.catalog.now(), options);

/** Ids of the jobs that a message tells of. */
async function toldOf(queue = "earshot_ingest"): Promise<string[]> {
  const sql = `SELECT singleton_key AS id FROM earshot_queue.job WHERE name = '${queue}' ORDER BY created_on`;
  return (await test.catalog.transaction((tx) => tx.execute(sql, []))).map(({ id }) => id as string);
}

describe("dead letters", () => {
  it("of a video go when a later job of it completes, also when the video had to be made anew", async () => {
    const { jobs } = test.catalog;
    const [kept, other, deleted] = await Promise.all(
      ["kept", "other", "deleted"].map((externalId) => addVideo(test.catalog, { externalId })),
    );
    const buried: IngestJobRecord[] = [];
    for (const video of [kept!, other!, deleted!]) buried.push(await addJob(test.catalog, video));
    await test.catalog.transaction(async (tx) => {
      for (const job of buried) {
        await tx.prisma.ingestJob.update({ where: { id: job.id }, data: { state: "FAILED" } });
        await jobs.bury(tx, job, "JOB_CRASHED");
      }
      await test.catalog.videos.deleteAbandoned(tx, deleted!.id);
    });
    expect(await jobs.countDeadLetters()).toBe(3);
    for (const video of [kept!, await addVideo(test.catalog, { externalId: "deleted" })]) {
      const { id } = await addJob(test.catalog, video);
      const { id: taken } = (await claim({ untold: true }))!;
      expect(taken).toBe(id);
      await test.catalog.transaction((tx) => jobs.complete(tx, id, "w"));
    }
    expect(await jobs.deadLetters(10)).toMatchObject([{ jobId: buried[1]!.id }]);
  });

  it("have a queue even when a process ended before it had made it", async () => {
    const undo = "SELECT earshot_queue.delete_queue('earshot_ingest_dead')::text";
    await test.catalog.transaction((tx) => tx.execute(undo, []));
    const catalog = await test.reopen();
    const job = await addJob(catalog, await addVideo(catalog));
    await catalog.transaction((tx) => catalog.jobs.bury(tx, job, "JOB_CRASHED"));
    expect(await catalog.jobs.deadLetters(10)).toMatchObject([{ jobId: job.id, code: "JOB_CRASHED" }]);
  });
});

describe("a message of a job", () => {
  it("is there exactly when the job's row is, and goes when the job is taken", async () => {
    const video = await addVideo(test.catalog);
    const failed = test.catalog.transaction(async (tx) => {
      const { tenant, id: videoId, externalId, source, title, metadata } = video;
      const order = { source, title, metadata };
      await test.catalog.jobs.create(tx, { tenant, videoId, externalId, order, maxAttempts: 3, requestId: null });
      throw new Error("never mind");
    });
    await expect(failed).rejects.toThrow("never mind");
    expect(await toldOf()).toEqual([]);
    const job = await addJob(test.catalog, video);
    expect(await toldOf()).toEqual([job.id]);
    expect((await claim())?.id).toBe(job.id);
    expect(await toldOf()).toEqual([]);
    await test.catalog.jobs.giveBack(job.id, "w");
    expect(await toldOf()).toEqual([job.id]);
  });

  it("of a later attempt is taken when that is due", async () => {
    const job = await addJob(test.catalog, await addVideo(test.catalog));
    await claim();
    const later = new Date((await test.catalog.now()).getTime() + 3_600_000);
    await test.catalog.jobs.retryLater(job.id, "w", { code: "X", message: "x" }, later);
    expect(await toldOf()).toEqual([job.id]);
    expect(await test.catalog.jobs.claim(lease, later)).toBeNull();
    expect(await toldOf()).toEqual([job.id]);
  });

  it("comes again for a job that had to wait for another one of its video", async () => {
    const video = await addVideo(test.catalog);
    const first = await addJob(test.catalog, video);
    const second = await addJob(test.catalog, video);
    expect((await claim())?.id).toBe(first.id);
    expect(await claim()).toBeNull();
    expect(await toldOf()).toEqual([]);
    await test.catalog.transaction((tx) => test.catalog.jobs.complete(tx, first.id, "w"));
    expect(await toldOf()).toEqual([second.id]);
    expect((await claim())?.id).toBe(second.id);
  });

  it("that was lost keeps its job waiting only until someone looks at the rows", async () => {
    const job = await addJob(test.catalog, await addVideo(test.catalog));
    await test.catalog.transaction((tx) => tx.execute("DELETE FROM earshot_queue.job", []));
    expect(await claim()).toBeNull();
    expect((await claim({ untold: true }))?.id).toBe(job.id);
  });

  it("that nothing waits for any more is harmless", async () => {
    const job = await addJob(test.catalog, await addVideo(test.catalog));
    const other = await addJob(test.catalog, await addVideo(test.catalog));
    await test.catalog.transaction((tx) => test.catalog.jobs.cancel(tx, "a", job.id));
    expect((await claim())?.id).toBe(other.id);
    expect(await claim()).toBeNull();
  });
});

describe("a dead letter", () => {
  it("goes with its video, and others stay", async () => {
    const { catalog } = test;
    const [gone, kept] = [await addVideo(catalog), await addVideo(catalog)];
    for (const job of [await addJob(catalog, gone), await addJob(catalog, kept)])
      await catalog.transaction((tx) => catalog.jobs.bury(tx, job, "X"));
    await catalog.transaction((tx) => catalog.jobs.cancelAllOfVideo(tx, gone));
    expect(await catalog.jobs.deadLetters(10)).toMatchObject([{ videoId: kept.id }]);
  });

  it("goes with the job of a re-index whose failure is forgotten", async () => {
    const { catalog } = test;
    const [mended, other] = [await addVideo(catalog), await addVideo(catalog)];
    const jobs = [await addJob(catalog, mended), await addJob(catalog, other), await addJob(catalog, other)];
    const reindex = await catalog.transaction(async (tx) => {
      const begun = { indexId: "new@1", fromIndexId: "old@1", swapAutomatically: true, requestId: null };
      const reindex = await catalog.reindexes.create(tx, begun);
      for (const [i, job] of jobs.entries()) {
        // The last one is of no re-index.
        const data = { state: "FAILED" as const, ...(i < 2 ? { reindexId: reindex.id } : {}) };
        await tx.prisma.ingestJob.update({ where: { id: job.id }, data });
        await catalog.jobs.bury(tx, job, "X");
      }
      return reindex;
    });
    const left = async () => (await catalog.jobs.deadLetters(10)).map(({ jobId }) => jobId).sort();
    expect(await left()).toEqual(jobs.map(({ id }) => id).sort());
    await catalog.transaction((tx) => catalog.reindexes.forgetFailuresOfVideo(tx, mended.id));
    expect(await left()).toEqual([jobs[1]!.id, jobs[2]!.id].sort());
    await catalog.transaction((tx) => catalog.reindexes.forgetFailures(tx, reindex.id));
    expect(await left()).toEqual([jobs[2]!.id]);
    expect(await catalog.jobs.countDeadLetters()).toBe(1);
  });
});
