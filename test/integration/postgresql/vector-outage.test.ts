import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { createEarshot, type Earshot } from "../../../src/index.js";
import { databaseOf, removeDatabaseOf } from "../../fixtures/database.js";
import { TEST_PACK } from "../../fixtures/earshot.js";
import { writeWav } from "../../fixtures/media-files.js";
import { FakeQdrant } from "../../fixtures/qdrant/server.js";
import { SAMPLE_RATE, tone } from "../../fixtures/sounds.js";
import { BUNDLED_FFMPEG, BUNDLED_FFPROBE } from "../../fixtures/tools.js";
import { startWorker } from "../../fixtures/worker-processes.js";

let folder: string;
let qdrant: FakeQdrant;
let api: Earshot | undefined;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-vector-outage-")));
  qdrant = await FakeQdrant.start();
});
afterEach(async () => {
  await api?.close();
  api = undefined;
  await qdrant.stop();
  await removeDatabaseOf(folder);
  await rm(folder, { recursive: true });
});

describe("a worker whose Qdrant server goes down", () => {
  it("pauses and says so once, spends no attempt, and goes on when the server is back", async () => {
    const media = path.join(folder, "media");
    await mkdir(media);
    const { url } = qdrant;
    const env = {
      EARSHOT_DATABASE_URL: await databaseOf(folder),
      EARSHOT_DATA_DIRECTORY: path.join(folder, "data"),
      EARSHOT_MODEL_PACK: TEST_PACK,
      EARSHOT_MEDIA_ROOTS: media,
      EARSHOT_VECTOR_ENGINE: "qdrant",
      QDRANT_URL: url,
      EARSHOT_THREADS: "1",
      FFMPEG_PATH: BUNDLED_FFMPEG,
      FFPROBE_PATH: BUNDLED_FFPROBE,
    };
    const idle = { ingest: { work: false }, evaluation: { work: false }, logLevel: "silent" as const };
    api = await createEarshot({ ...idle, env });
    const worker = startWorker(env, "--log-level", "debug");
    await worker.said("Working.");
    const { catalog, ingest, pack, vectors } = api;

    await qdrant.stop();
    const source = { path: await writeWav(path.join(media, "a.wav"), tone(2000, 6 * SAMPLE_RATE)) };
    const { id } = await ingest.submit({ source, externalId: "a" }, DEFAULT_TENANT);
    const lines = (text: string) => worker.log().split(text).length - 1;
    // It has tried again, in vain.
    await expect.poll(() => lines('"the queue still pauses'), { timeout: 60_000 }).toBeGreaterThan(0);
    expect(lines('"the queue pauses')).toBe(1);
    expect(await catalog.jobs.find(DEFAULT_TENANT, id)).toMatchObject({ state: "PENDING", attempts: 0 });

    await qdrant.restart(url);
    expect(await ingest.waitFor(DEFAULT_TENANT, id)).toMatchObject({ state: "COMPLETED", attempts: 1 });
    expect(await vectors.count(pack.id)).toBeGreaterThan(0);
    await expect.poll(() => lines('"the queue goes on')).toBe(1);
    expect(lines('"the queue pauses')).toBe(1);
    worker.child.kill("SIGTERM");
    expect(await worker.ended).toBe(0);
  });
});
