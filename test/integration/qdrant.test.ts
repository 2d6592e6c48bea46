import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { resolveOptions } from "../../src/config/index.js";
import { checkVectors } from "../../src/cli/doctor-vectors.js";
import { createEarshot } from "../../src/earshot.js";
import { openTestEarshot, TEST_PACK, TEST_PACK_WORD, type TestEarshot } from "../fixtures/earshot.js";
import { writeWav } from "../fixtures/media-files.js";
import { FakeQdrant } from "../fixtures/qdrant/server.js";
import { SAMPLE_RATE, tone } from "../fixtures/sounds.js";

const TENANT = "default";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(): Promise<TestEarshot & { server: FakeQdrant; url: string }> {
  const server = await FakeQdrant.start({ apiKey: "key" });
  closers.push(() => server.stop());
  const qdrant = { url: server.url, apiKey: "key", retryDelaySeconds: 0.01 };
  const test = await openTestEarshot({ vectors: { engine: "qdrant", qdrant } });
  closers.push(() => test.end());
  return { ...test, server, url: server.url };
}

const doctor = (url: string, apiKey?: string) => {
  const qdrant = { url, retries: 0, ...(apiKey === undefined ? {} : { apiKey }) };
  return checkVectors(resolveOptions({ vectors: { engine: "qdrant", qdrant } }));
};

describe("Earshot with Qdrant", () => {
  it("ingests a file, finds what is heard in it, and forgets it", async () => {
    const { earshot, media } = await start();
    await earshot.start();
    const file = await writeWav(path.join(media, "alarm.wav"), tone(2000, 6 * SAMPLE_RATE));
    const { id } = await earshot.ingest.submit({ source: { path: file }, externalId: "alarm" }, TENANT);
    const job = await earshot.ingest.waitFor(TENANT, id);
    expect(job).toMatchObject({ state: "COMPLETED", errorCode: null });
    const search = () => earshot.search.search({ tenant: TENANT, query: TEST_PACK_WORD, first: 5, momentsPerVideo: 3 });
    const { hits } = await search();
    expect(hits.map(({ video }) => video.externalId)).toEqual(["alarm"]);
    expect(hits[0]!.moments.length).toBeGreaterThan(0);
    await earshot.ingest.deleteVideo(TENANT, { externalId: "alarm" });
    expect((await search()).hits).toEqual([]);
    expect(await earshot.vectors.count(earshot.pack.id)).toBe(0);
  });

  it("is not ready while the server is away, and ready again afterwards", async () => {
    const { earshot, server, url } = await start();
    expect(await earshot.health()).toMatchObject({ ok: true, checks: { index: { ok: true } } });
    await server.stop();
    expect(await earshot.health()).toMatchObject({
      ok: false,
      checks: { catalog: { ok: true }, index: { ok: false, message: expect.stringContaining("reached") as string } },
    });
    await server.restart(url);
    expect(await earshot.health()).toMatchObject({ ok: true });
  });

  it("says at the start what is wrong with the server", async () => {
    const { folder } = await start();
    const server = await FakeQdrant.start({ apiKey: "key" });
    const { url } = server;
    const open = (apiKey: string) =>
      createEarshot({
        dataDirectory: path.join(folder, "other"),
        modelPack: TEST_PACK,
        logLevel: "silent",
        vectors: { engine: "qdrant", qdrant: { url, apiKey, retryDelaySeconds: 0.01 } },
      });
    await expect(open("wrong")).rejects.toMatchObject({ code: "VECTOR_ENGINE_FORBIDDEN" });
    await server.stop();
    await expect(open("key")).rejects.toMatchObject({ code: "VECTOR_INDEX_UNAVAILABLE" });
  });
});

describe("the doctor's check of the vector engine", () => {
  it("finds the version, the key and the collections", async () => {
    const { url } = await start();
    expect(await doctor(url, "key")).toMatchObject({
      status: "warn",
      text: `Qdrant 1.18.0, ${url}, 0 segments in index tiny@1.0.0`,
      advice: expect.stringContaining("clear text") as string,
    });
    expect(await doctor(url, "wrong")).toMatchObject({
      status: "fail",
      text: expect.stringContaining("key") as string,
    });
  });

  it("warns of an old server, and says when none answers", async () => {
    const server = await FakeQdrant.start({ version: "1.9.2" });
    const { url } = server;
    expect(await doctor(url)).toMatchObject({ status: "warn", advice: expect.stringContaining("1.12") as string });
    await server.stop();
    expect(await doctor(url)).toMatchObject({ status: "fail", text: expect.stringContaining("reached") as string });
  });

  it("has nothing to ask where vectors are in the database", async () => {
    expect(await checkVectors(resolveOptions())).toMatchObject({ status: "ok" });
  });
});
