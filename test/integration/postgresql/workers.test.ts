import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { createEarshot, type Earshot } from "../../../src/index.js";
import { databaseOf, removeDatabaseOf, server } from "../../fixtures/database.js";
import { TEST_PACK } from "../../fixtures/earshot.js";
import { writeWav } from "../../fixtures/media-files.js";
import { startPostgresCluster } from "../../fixtures/postgres-cluster.js";
import { tone } from "../../fixtures/sounds.js";
import { BUNDLED_FFMPEG, BUNDLED_FFPROBE } from "../../fixtures/tools.js";
import { startWorker, type WorkerProcess } from "../../fixtures/worker-processes.js";

/** Small videos for four workers; `npm run test:workers` takes 200. */
const VIDEOS = Number(process.env["EARSHOT_TEST_VIDEOS"] ?? 40);

let folder: string;
let media: string;
let env: Record<string, string>;
let api: Earshot | undefined;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-workers-")));
  media = path.join(folder, "media");
  await mkdir(media);
  env = environment(await databaseOf(folder));
});
afterEach(async () => {
  await api?.close();
  api = undefined;
  await removeDatabaseOf(folder);
  await rm(folder, { recursive: true });
});

function environment(databaseUrl: string): Record<string, string> {
  return {
    EARSHOT_DATABASE_URL: databaseUrl,
    EARSHOT_DATA_DIRECTORY: path.join(folder, "data"),
    EARSHOT_MODEL_PACK: TEST_PACK,
    EARSHOT_MEDIA_ROOTS: media,
    EARSHOT_THREADS: "1",
    FFMPEG_PATH: BUNDLED_FFMPEG,
    FFPROBE_PATH: BUNDLED_FFPROBE,
  };
}

/** The process that takes submissions and works on none. */
async function openApi(): Promise<Earshot> {
  const options = { ingest: { work: false, maxAttempts: 2 }, evaluation: { work: false }, logLevel: "silent" as const };
  api = await createEarshot({ ...options, env });
  return api;
}

/** Writes a sound that gives `segments` segments, and differs from file to file. */
async function writeSound(name: string, place: number, segments: number): Promise<string> {
  const { segment } = api!.pack.manifest;
  const samples = segment.lengthSamples + (segments - 1) * segment.hopSamples;
  return writeWav(path.join(media, name), tone(300 + 17 * place, samples));
}

async function submit(name: string): Promise<string> {
  const input = { source: { path: path.join(media, name) }, externalId: name };
  return (await api!.ingest.submit(input, DEFAULT_TENANT)).id;
}

const completed = async () => (await api!.catalog.jobs.countByState()).COMPLETED;
const until = (condition: () => Promise<boolean>) =>
  expect.poll(condition, { timeout: 300_000, interval: 100 }).toBe(true);

describe("four workers with one database", () => {
  it("index every video exactly once, though two of them are killed in the middle", { timeout: 600_000 }, async () => {
    const { catalog, pack, vectors } = await openApi();
    const names = Array.from({ length: VIDEOS }, (_, place) => `${place}.wav`);
    const segmentsOf = (name: string) => 1 + (Number.parseInt(name, 10) % 3);
    for (const [place, name] of names.entries()) await writeSound(name, place, segmentsOf(name));
    for (const name of names) await submit(name);

    const workers = Array.from({ length: 4 }, () => startWorker(env, "--log-level", "info"));
    await Promise.all(workers.map((worker) => worker.said("Working.")));
    for (const victim of workers.slice(0, 2)) {
      const moment = Math.min(VIDEOS * 0.8, (await completed()) + Math.random() * VIDEOS * 0.3);
      await until(async () => (await completed()) >= moment);
      victim.child.kill("SIGKILL");
      expect(await victim.ended).toBe("SIGKILL");
    }
    await until(async () => (await completed()) === VIDEOS);
    for (const worker of workers.slice(2)) worker.child.kill("SIGTERM");
    expect(await Promise.all(workers.slice(2).map(({ ended }) => ended))).toEqual([0, 0]);

    const jobs = await catalog.jobs.list(DEFAULT_TENANT, {}, 2 * VIDEOS);
    expect(jobs).toHaveLength(VIDEOS);
    expect(new Set(jobs.map(({ state }) => state))).toEqual(new Set(["COMPLETED"]));
    // A worker that was killed had at most one job; nobody else needed another attempt.
    const again = jobs.filter(({ attempts }) => attempts > 1);
    expect(again.length).toBeLessThanOrEqual(2);
    expect(again.every(({ attempts }) => attempts === 2)).toBe(true);
    const completions = workers.map((worker) => worker.log().split('"ingest job completed"').length - 1);
    // What a killed worker did last it may not have logged.
    expect(completions.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(VIDEOS);
    expect(completions.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(VIDEOS - 2);
    expect(completions.slice(2).every((count) => count > 0)).toBe(true);

    const videos = await catalog.videos.list(DEFAULT_TENANT, {}, 2 * VIDEOS);
    expect(videos.map(({ externalId }) => externalId).sort()).toEqual([...names].sort());
    const ids = videos.map(({ id }) => id);
    const segments = await catalog.segments.ofVideos(pack.id, ids);
    for (const { id, externalId } of videos) {
      const ordinals = segments.filter(({ videoId }) => videoId === id).map(({ ordinal }) => ordinal);
      expect(ordinals).toEqual(Array.from({ length: segmentsOf(externalId!) }, (_, ordinal) => ordinal));
    }
    const indexed = await catalog.transaction((tx) =>
      tx.prisma.indexedVideo.findMany({ select: { videoId: true, segmentCount: true } }),
    );
    expect(indexed.map(({ videoId }) => videoId).sort()).toEqual([...ids].sort());
    expect(indexed.reduce((sum, { segmentCount }) => sum + segmentCount, 0)).toBe(segments.length);
    expect(await vectors.count(pack.id)).toBe(segments.length);
    expect(await waitingMessages()).toBe(0);
  });
});

/** Messages that wait for a worker. */
async function waitingMessages(): Promise<number> {
  const sql = `SELECT count(*)::int AS waiting FROM earshot_queue.job WHERE name = 'earshot_ingest'`;
  return api!.catalog.transaction(async (tx) => (await tx.execute(sql, []))[0]?.["waiting"] as number);
}

describe("a video that kills its worker every time", () => {
  it("ends among the dead letters, and all others are indexed", { timeout: 600_000 }, async () => {
    const { catalog, ingest } = await openApi();
    const decoder = path.join(folder, "ffmpeg");
    const lines = ["#!/bin/sh", 'case "$*" in *poison*) kill -9 $PPID ;; esac', `exec '${BUNDLED_FFMPEG}' "$@"`];
    await writeFile(decoder, lines.join("\n"));
    await chmod(decoder, 0o755);
    for (const [place, name] of ["1.wav", "poison.wav", "2.wav", "3.wav"].entries()) await writeSound(name, place, 1);
    await submit("1.wav");
    const poison = await submit("poison.wav");
    for (const name of ["2.wav", "3.wav"]) await submit(name);
    // As an orchestrator does: a worker that died is started again.
    const deaths: unknown[] = [];
    let worker: WorkerProcess;
    const supervise = async () => {
      for (;;) {
        worker = startWorker({ ...env, FFMPEG_PATH: decoder }, "--log-level", "info");
        const how = await worker.ended;
        if (how === 0) return;
        deaths.push(how);
      }
    };
    const supervised = supervise();
    expect(await ingest.waitFor(DEFAULT_TENANT, poison)).toMatchObject({
      state: "FAILED",
      errorCode: "JOB_CRASHED",
      attempts: 2,
    });
    await until(async () => (await completed()) === 3);
    expect(await catalog.jobs.deadLetters(10)).toMatchObject([
      { jobId: poison, tenant: DEFAULT_TENANT, attempts: 2, code: "JOB_CRASHED" },
    ]);
    expect(await catalog.jobs.countDeadLetters()).toBe(1);
    expect(deaths).toEqual(["SIGKILL", "SIGKILL"]);
    worker!.child.kill("SIGTERM");
    await supervised;

    // Mended, it is tried again, and no longer counts as dead.
    const again = await ingest.retry(DEFAULT_TENANT, poison);
    expect(await catalog.jobs.deadLetters(10)).toEqual([]);
    expect(await catalog.jobs.countDeadLetters()).toBe(0);
    const mended = startWorker(env);
    expect(await ingest.waitFor(DEFAULT_TENANT, again.id)).toMatchObject({
      state: "COMPLETED",
      externalId: "poison.wav",
    });
    mended.child.kill("SIGTERM");
    expect(await mended.ended).toBe(0);
  });
});

describe("a worker", () => {
  it("tells its health, and ends well when it is asked to", async () => {
    const worker = startWorker(env, "--health-port", "0");
    const url = (await worker.said("Health: ")).replace("localhost", "127.0.0.1");
    await worker.said("Working.");
    expect(await (await fetch(url)).json()).toEqual({ status: "alive" });
    const ready = await fetch(url.replace("/health", "/ready"));
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({ checks: { ingest: { ok: true } } });
    expect(await (await fetch(url.replace("/health", "/metrics"))).text()).toContain("earshot_ingest_jobs");
    expect((await fetch(url.replace("/health", "/graphql"))).status).toBe(404);
    worker.child.kill("SIGTERM");
    expect(await worker.ended).toBe(0);
  });

  it("ends with a clear message when the database refuses its password", async () => {
    const url = new URL(server().url);
    url.password = "wrong";
    const worker = startWorker(environment(url.href));
    expect(await worker.ended).toBe(1);
    expect(worker.log()).toMatch(/refuses the user or the password/);
    expect(worker.log()).not.toContain("wrong");
  });

  it(
    "waits for a database that is away, and goes on when that comes back, at the start and in the middle",
    { timeout: 600_000 },
    async () => {
      const cluster = await startPostgresCluster();
      try {
        env = environment(cluster.url());
        await openApi();
        for (const [place, name] of ["1.wav", "2.wav"].entries()) await writeSound(name, place, 1);
        const jobs = [await submit("1.wav"), await submit("2.wav")];
        await cluster.stop();

        const impatient = startWorker(env, "--wait", "0");
        expect(await impatient.ended).toBe(1);
        expect(impatient.log()).toMatch(/No PostgreSQL server answers/);

        const worker = startWorker(env, "--health-port", "0");
        await until(() => Promise.resolve(worker.log().includes("waiting: No PostgreSQL server answers")));
        await cluster.start();
        await worker.said("Working.");
        for (const job of jobs) {
          await until(
            async () => (await api!.catalog.jobs.find(DEFAULT_TENANT, job).catch(() => null))?.state === "COMPLETED",
          );
        }

        await cluster.stop();
        await until(() => Promise.resolve(worker.log().includes("the queue pauses: ingest job")));
        const ready = await fetch(
          `${(await worker.said("Health: ")).replace("localhost", "127.0.0.1").replace("/health", "")}/ready`,
        );
        expect(ready.status).toBe(503);
        await cluster.start();
        await writeSound("3.wav", 3, 1);
        let third = "";
        await until(async () => (third = await submit("3.wav").catch(() => "")) !== "");
        await until(
          async () => (await api!.catalog.jobs.find(DEFAULT_TENANT, third).catch(() => null))?.state === "COMPLETED",
        );
        expect(await api!.catalog.jobs.find(DEFAULT_TENANT, third)).toMatchObject({ attempts: 1 });
        expect(worker.log().split("the queue pauses: ingest job")).toHaveLength(2);
        await until(() => Promise.resolve(worker.log().includes("the queue goes on: ingest job")));
        worker.child.kill("SIGTERM");
        expect(await worker.ended).toBe(0);
      } finally {
        await api?.close();
        api = undefined;
        await cluster.end();
      }
    },
  );
});
