import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Catalog } from "../../../../src/catalog/index.js";
import { addJob, addSegments, addVideo, openTestCatalog, type TestCatalog } from "../../../fixtures/catalog.js";

let test: TestCatalog;
/** Three processes' catalogs on one database. */
let catalogs: Catalog[];
beforeEach(async () => {
  test = await openTestCatalog();
  catalogs = [test.catalog, await test.reopen(), await test.reopen()];
});
afterEach(() => test.end());

/** One of the catalogs; neighbours get different ones. */
const one = (i: number) => catalogs[i % catalogs.length]!;

describe("transactions of several processes", () => {
  it("end as if they had run one after the other", async () => {
    const create = (catalog: Catalog) =>
      catalog.transaction(async (tx) => {
        const externalId = String(await tx.prisma.video.count());
        const source = { kind: "path", path: "/a" } as const;
        const video = { tenant: "a", externalId, title: null, metadata: null, sourceName: "a", source };
        return (await catalog.videos.create(tx, video)).externalId;
      });
    const made = await Promise.all(Array.from({ length: 12 }, (_, i) => create(one(i))));
    expect(made.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });

  it("more of them than there are connections do not wait for each other for ever", async () => {
    const read = (catalog: Catalog) =>
      catalog.transaction(async (tx) => {
        await tx.prisma.video.count();
        // A second connection, as a careless caller may want one.
        return catalog.videos.count("a", {});
      });
    expect(await Promise.all(Array.from({ length: 30 }, () => read(test.catalog)))).toEqual(Array(30).fill(0));
  });
});

describe("workers that claim at the same time", () => {
  it("never work on one video together, and none of its jobs is lost", async () => {
    const jobs: string[] = [];
    for (let i = 0; i < 4; i++) {
      const video = await addVideo(test.catalog);
      for (let k = 0; k < 3; k++) jobs.push((await addJob(test.catalog, video)).id);
    }
    const done: string[] = [];
    const work = async (catalog: Catalog, workerId: string) => {
      for (let idle = 0; idle < 3;) {
        const now = await catalog.now();
        const job = await catalog.jobs.claim({ workerId, expiresAt: new Date(now.getTime() + 60_000) }, now);
        if (job === null) {
          idle += 1;
          continue;
        }
        idle = 0;
        const running = await catalog.jobs.running();
        expect(running.filter(({ videoId }) => videoId === job.videoId).map(({ id }) => id)).toEqual([job.id]);
        expect(await catalog.transaction((tx) => catalog.jobs.complete(tx, job.id, workerId))).toBe(true);
        done.push(job.id);
      }
    };
    await Promise.all(Array.from({ length: 6 }, (_, i) => work(one(i), `w${i}`)));
    // What a worker passed over because another had it locked is there for the next look.
    await work(test.catalog, "last");
    expect(done.sort()).toEqual(jobs.sort());
  });
});

describe("the numbers of changes to vectors", () => {
  it("come in the order of the commits: who follows them misses none", async () => {
    const videos = [];
    for (let i = 0; i < 12; i++) videos.push(await addVideo(test.catalog));
    const seen = new Set<string>();
    let last = 0;
    const follow = async () => {
      const { lastChange: now } = await catalogs[2]!.vectors.state("p@1");
      for (const id of await catalogs[2]!.vectors.changedSince("p@1", last)) seen.add(id);
      last = Math.max(last, now);
    };
    const progress = { isWriting: true };
    const writing = Promise.all(videos.map((video, i) => addSegments(one(i), video, "p@1", 3))).finally(() => {
      progress.isWriting = false;
    });
    while (progress.isWriting) await follow();
    await writing;
    await follow();
    expect([...seen].sort()).toEqual(videos.map(({ id }) => id).sort());
  });
});

describe("leases", () => {
  it("are measured by the server's clock, which all machines share", async () => {
    const [mine, theirs] = await Promise.all([catalogs[0]!.now(), catalogs[1]!.now()]);
    expect(Math.abs(mine.getTime() - theirs.getTime())).toBeLessThan(60_000);
    const rows = await test.catalog.transaction((tx) => tx.execute("SELECT clock_timestamp() AS now", []));
    expect((rows[0]?.["now"] as Date).getTime()).toBeGreaterThanOrEqual(mine.getTime());
  });
});

describe("a disk that is full", () => {
  it("is told as such, and everything is rolled back", async () => {
    const { catalog } = test;
    await catalog.transaction(async (tx) => {
      await tx.execute(
        `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$`,
        [],
      );
      await tx.execute(`CREATE TRIGGER full_disk BEFORE INSERT ON "Segment" EXECUTE FUNCTION full_disk()`, []);
    });
    const video = await addVideo(catalog);
    await expect(addSegments(catalog, video, "p@1", 3)).rejects.toMatchObject({
      code: "CATALOG_WRITE_FAILED",
      retryable: true,
    });
    expect(await catalog.indexedVideos.generations("p@1", [video.id])).toEqual(new Map());
  });
});
