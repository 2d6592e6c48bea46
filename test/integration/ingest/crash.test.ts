import { copyFile, mkdir, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newId } from "../../../src/catalog/index.js";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { createEarshot, type EarshotOptions } from "../../../src/index.js";
import type { JobUpdate } from "../../../src/ingest/index.js";
import { addJob, addVideo } from "../../fixtures/catalog.js";
import { breakTable, mendTable } from "../../fixtures/broken-table.js";
import { databaseOf } from "../../fixtures/database.js";
import { TEST_PACK } from "../../fixtures/earshot.js";
import { quickIngest } from "../../fixtures/ingesting.js";
import { runAndKill } from "../../fixtures/killed-process.js";
import { sample } from "../../fixtures/media-samples.js";

let folder: string;
let media: string;
let options: EarshotOptions;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-crash-")));
  media = path.join(folder, "media");
  await mkdir(media);
  const dataDirectory = path.join(folder, "data");
  options = {
    dataDirectory,
    databaseUrl: await databaseOf(dataDirectory),
    modelPack: TEST_PACK,
    mediaRoots: [media],
    logLevel: "silent",
    inference: { threads: 1 },
    ingest: quickIngest,
  };
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function place(name: Parameters<typeof sample>[0], as: string): Promise<string> {
  const file = path.join(media, as);
  await copyFile(await sample(name), file);
  return file;
}

/** Works on jobs in a process and kills that, without warning, at the first update that fits. */
function runUntil(fits: (update: JobUpdate) => boolean, files: readonly string[] = []): Promise<void> {
  return runAndKill("ingest-process.mjs", [JSON.stringify(options), ...files], fits);
}

/** Opens the same data again, lets all jobs end, and tells what there is. */
async function recover() {
  const earshot = await createEarshot(options);
  try {
    const { catalog, vectors, pack, ingest } = earshot;
    await earshot.start();
    const jobs = [];
    for (const { id } of await catalog.jobs.list(DEFAULT_TENANT, {}, 100))
      jobs.push(await ingest.waitFor(DEFAULT_TENANT, id));
    const videos = await catalog.videos.list(DEFAULT_TENANT, {}, 100);
    const segments = await catalog.segments.ofVideos(
      pack.id,
      videos.map(({ id }) => id),
    );
    return {
      jobs,
      videos,
      segments,
      vectors: await catalog.vectors.count(pack.id),
      searchable: await vectors.count(pack.id),
      files: await readdir(path.join(folder, "data", "tmp")),
    };
  } finally {
    await earshot.close();
  }
}

describe("a process that is killed in the middle of an ingest", () => {
  it.each(["ENCODING", "COMMITTING"] as const)("at the stage %s loses and doubles nothing", async (stage) => {
    const files = [await place("long.mp4", "a.mp4"), "a", await place("tone.mp4", "b.mp4"), "b"];
    await runUntil((update) => update.stage === stage && (stage !== "ENCODING" || (update.progress ?? 0) > 0.2), files);
    const found = await recover();

    expect(found.jobs.map(({ state }) => state)).toEqual(["COMPLETED", "COMPLETED"]);
    expect(found.videos.map(({ externalId, state }) => `${externalId} ${state}`).sort()).toEqual([
      "a INDEXED",
      "b INDEXED",
    ]);
    for (const { id, durationSeconds } of found.videos) {
      const ordinals = found.segments.filter(({ videoId }) => videoId === id).map(({ ordinal }) => ordinal);
      expect(ordinals).toEqual(ordinals.map((_, i) => i));
      const last = found.segments.filter(({ videoId }) => videoId === id).at(-1);
      expect(last?.endSeconds).toBeCloseTo(durationSeconds!, 1);
    }
    expect(found.vectors).toBe(found.segments.length);
    expect(found.searchable).toBe(found.segments.length);
    expect(found.files).toEqual([]);
  });

  it("while it replaces a video leaves the old one findable", async () => {
    await runUntil(({ state }) => state === "COMPLETED", [await place("tone.mp4", "a.mp4"), "a"]);
    await place("long.mp4", "a.mp4");
    await runUntil(
      ({ stage, progress }) => stage === "ENCODING" && (progress ?? 0) > 0.2,
      [path.join(media, "a.mp4"), "a"],
    );
    const earshot = await createEarshot(options);
    const { catalog, pack } = earshot;
    const video = await catalog.videos.findByExternalId(DEFAULT_TENANT, "a");
    expect(video?.durationSeconds).toBeCloseTo(6, 0);
    const before = await catalog.segments.ofVideos(pack.id, [video!.id]);
    expect(before.at(-1)?.endSeconds).toBeCloseTo(6, 0);
    await earshot.close();
    const found = await recover();
    expect(found.videos[0]?.durationSeconds).toBeCloseTo(120, 0);
    expect(found.segments.filter(({ id }) => before.some((old) => old.id === id))).toEqual([]);
  });

  it("every time it works on one video does not do so for ever", async () => {
    const files = [await place("long.mp4", "a.mp4"), "a"];
    options = { ...options, ingest: { ...quickIngest, maxAttempts: 2 } };
    for (let attempt = 1; attempt <= 2; attempt++) {
      await runUntil(({ stage }) => stage === "ENCODING", attempt === 1 ? files : []);
    }
    const found = await recover();
    expect(found.jobs).toMatchObject([{ state: "FAILED", errorCode: "JOB_CRASHED", attempts: 2, videoId: null }]);
    expect(found.videos).toEqual([]);
    expect(found.segments).toEqual([]);
  });
});

describe("a job whose worker cannot be asked", () => {
  it("is taken up when its lease is no longer extended, whatever the clocks say", async () => {
    const earshot = await createEarshot({ ...options, ingest: { ...quickIngest, leaseSeconds: 2 } });
    try {
      const { catalog, ingest } = earshot;
      const path_ = await realpath(await place("tone.mp4", "a.mp4"));
      const source = { kind: "path", path: path_ } as const;
      const claim = async (externalId: string) => {
        const video = await addVideo(catalog, { tenant: DEFAULT_TENANT, externalId, source, sourceName: "a.mp4" });
        const { id } = await addJob(catalog, video);
        const workerId = `elsewhere/1/1/1/${newId()}`;
        await catalog.jobs.claim({ workerId, expiresAt: new Date() }, new Date());
        return { id, workerId };
      };
      // One worker is dead, though its clock was a year ahead; the other lives, though its clock is a year behind.
      const dead = await claim("dead");
      const year = 365 * 86_400_000;
      const nextYear = new Date(Date.now() + year);
      await catalog.jobs.extendLease(dead.id, { workerId: dead.workerId, expiresAt: nextYear });
      const alive = await claim("alive");
      let beats = 0;
      const heart = setInterval(() => {
        const expiresAt = new Date(Date.now() - year + beats++);
        void catalog.jobs.extendLease(alive.id, { workerId: alive.workerId, expiresAt });
      }, 100);
      try {
        await earshot.start();
        expect(await ingest.waitFor(DEFAULT_TENANT, dead.id)).toMatchObject({ state: "COMPLETED", attempts: 2 });
        expect(await catalog.jobs.find(DEFAULT_TENANT, alive.id)).toMatchObject({ state: "RUNNING", attempts: 1 });
      } finally {
        clearInterval(heart);
      }
    } finally {
      await earshot.close();
    }
  });
});

describe("two processes with one database", () => {
  it("share the work, each job done once, and find what the other has indexed", async () => {
    const files: string[] = [];
    for (let i = 0; i < 4; i++) files.push(await place("tone.mp4", `${i}.mp4`), `${i}`);
    const [one, two] = await Promise.all([createEarshot(options), createEarshot(options)]);
    const done: string[][] = [[], []];
    for (const [i, earshot] of [one, two].entries()) {
      earshot.ingest.events.on("job", ({ state, jobId }) => {
        if (state === "COMPLETED") done[i]?.push(jobId);
      });
    }
    try {
      for (let i = 0; i < files.length; i += 2) {
        await one.ingest.submit({ source: { path: files[i]! }, externalId: files[i + 1]! }, DEFAULT_TENANT);
      }
      await Promise.all([one.start(), two.start()]);
      const jobs = await one.catalog.jobs.list(DEFAULT_TENANT, {}, 100);
      for (const { id } of jobs)
        expect(await two.ingest.waitFor(DEFAULT_TENANT, id)).toMatchObject({ state: "COMPLETED", attempts: 1 });
      await Promise.all([one.ingest.stop(), two.ingest.stop()]);
      expect(done.flat().sort()).toEqual(jobs.map(({ id }) => id).sort());
      expect(await one.vectors.count(one.pack.id)).toBe(await two.vectors.count(two.pack.id));
      const hits = await Promise.all(
        [one, two].map(({ search }) =>
          search.search({ tenant: DEFAULT_TENANT, query: "rumble", first: 10, momentsPerVideo: 1 }),
        ),
      );
      for (const page of hits) expect(page.hits).toHaveLength(4);
    } finally {
      await Promise.all([one.close(), two.close()]);
    }
  });
});

describe("a database that fails in the middle of a commit", () => {
  it("loses nothing, and the job completes once it works again", async () => {
    const earshot = await createEarshot(options);
    try {
      const { catalog, pack, ingest } = earshot;
      await earshot.start();
      const file = await place("tone.mp4", "a.mp4");
      const submit = () => ingest.submit({ source: { path: file }, externalId: "a" }, DEFAULT_TENANT);
      const { videoId } = await ingest.waitFor(DEFAULT_TENANT, (await submit()).id);
      const before = await catalog.segments.ofVideos(pack.id, [videoId!]);
      await breakTable(catalog, "SegmentVector");
      const failed = new Promise<void>((resolve) => {
        ingest.events.on("job", ({ errorCode }) => {
          if (errorCode !== null) resolve();
        });
      });
      const again = await submit();
      await failed;
      expect(await catalog.segments.ofVideos(pack.id, [videoId!])).toEqual(before);
      expect(await catalog.vectors.count(pack.id)).toBe(before.length);
      await mendTable(catalog, "SegmentVector");
      expect(await ingest.waitFor(DEFAULT_TENANT, again.id)).toMatchObject({ state: "COMPLETED" });
      expect(await catalog.vectors.count(pack.id)).toBe(before.length);
    } finally {
      await earshot.close();
    }
  });
});
