import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { startServer, type RunningServer } from "../../../src/server/index.js";
import { addScoredVideo, openTestEarshot, TEST_PACK_WORD, type TestEarshot } from "../../fixtures/earshot.js";
import { writeWav } from "../../fixtures/media-files.js";
import { SAMPLE_RATE, tone } from "../../fixtures/sounds.js";

const json = async (response: Response): Promise<any> => response.json();

describe("the server", () => {
  let test: TestEarshot;
  let server: RunningServer;
  let videoId: string;
  const get = (address: string, init: RequestInit = {}): Promise<Response> => fetch(server.url + address, init);
  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    get("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });

  beforeAll(async () => {
    test = await openTestEarshot();
    await test.earshot.start();
    await writeWav(path.join(test.media, "alarm.wav"), tone(2000, 6 * SAMPLE_RATE));
    const job = await test.earshot.ingest.submit(
      { source: { path: "alarm.wav" }, externalId: "alarm" },
      DEFAULT_TENANT,
    );
    await test.earshot.ingest.waitFor(DEFAULT_TENANT, job.id);
    server = await startServer(test.earshot, { port: 0, serveMedia: true, exampleQueries: ["an alarm"] });
    const answer = await json(await post({ query: `{ video(externalId: "alarm") { id } }` }));
    videoId = answer.data.video.id;
  });
  afterAll(async () => {
    await server.close();
    await test.end();
  });

  afterEach(() => vi.restoreAllMocks());

  it("answers GraphQL", async () => {
    const response = await post({
      query: `query ($q: String!) { searchVideosByAudio(query: $q) { nodes { externalId } } }`,
      variables: { q: TEST_PACK_WORD },
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ data: { searchVideosByAudio: { nodes: [{ externalId: "alarm" }] } } });
  });

  it("tells expected failures by their code, and gives no stack", async () => {
    const answer = await json(await post({ query: `{ searchVideosByAudio(query: "") { nodes { id } } }` }));
    expect(answer.errors[0].extensions).toEqual({ code: "QUERY_EMPTY", field: "query" });
  });

  it.each([
    ["query ($id: ID!) { node(id: $id) { id } }", {}, 'Variable "$id" of required type "ID!" was not provided.'],
    ["query ($first: Int) { videos(first: $first) { totalCount } }", { first: "x" }, "Int cannot represent"],
  ])("says what is wrong with the variables of %s", async (query, variables, message) => {
    const response = await post({ query, variables });
    expect(response.status).toBe(400);
    const { errors } = await json(response);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ extensions: { code: "BAD_USER_INPUT" }, locations: [{ line: 1 }] });
    expect(errors[0].message).toContain(message);
  });

  it("is alive", async () => {
    const response = await get("/health");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "alive" });
  });

  it("is ready when catalog, index and model pack are, and says which one is not", async () => {
    const ready = await get("/ready");
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      status: "ready",
      checks: {
        catalog: { ok: true },
        index: { ok: true },
        modelPack: { ok: true, message: "tiny@1.0.0" },
        inference: { ok: true, message: "cpu" },
      },
    });
    vi.spyOn(test.earshot.catalog, "health").mockResolvedValue({ ok: false, message: "the disk is gone" });
    const broken = await get("/ready");
    expect(broken.status).toBe(503);
    expect(await broken.json()).toMatchObject({
      status: "not ready",
      checks: { catalog: { ok: false, message: "the disk is gone" }, index: { ok: true } },
    });
  });

  it("counts jobs, segments and searches in its metrics", async () => {
    const text = await (await get("/metrics")).text();
    expect(text).toContain('earshot_ingest_jobs{state="COMPLETED"} 1');
    expect(text).toContain('earshot_ingest_jobs{state="RUNNING"} 0');
    expect(text).toMatch(/earshot_index_segments\{index="tiny@1\.0\.0"\} [1-9]/);
    expect(text).toMatch(/earshot_search_duration_seconds_count\{outcome="found"\} [1-9]/);
    expect(text).toContain("nodejs_eventloop_lag_seconds");
  });

  it("serves the search page with everything it needs from itself, and lets nothing else in", async () => {
    const page = await get("/");
    const html = await page.text();
    expect(html).toContain("<title>Earshot");
    expect(html).not.toMatch(/(?:src|href)="https?:/);
    const policy = page.headers.get("content-security-policy");
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    for (const [, file] of html.matchAll(/(?:src|href)="([a-z]+\.(?:js|css|svg))"/g)) {
      expect((await get(`/${file}`)).status, file).toBe(200);
    }
    expect(await (await get("/page.json")).json()).toEqual({ mediaServed: true, examples: ["an alarm"] });
  });

  it("plays media from any place in the file", async () => {
    const whole = await get(`/media/${videoId}`);
    expect(whole.status).toBe(200);
    expect(whole.headers.get("content-type")).toBe("audio/wav");
    expect(whole.headers.get("accept-ranges")).toBe("bytes");
    const bytes = Buffer.from(await whole.arrayBuffer());
    const part = await get(`/media/${videoId}`, { headers: { range: "bytes=100-199" } });
    expect(part.status).toBe(206);
    expect(part.headers.get("content-range")).toBe(`bytes 100-199/${bytes.length}`);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(100, 200));
    const beyond = await get(`/media/${videoId}`, { headers: { range: `bytes=${bytes.length}-` } });
    expect(beyond.status).toBe(416);
  });

  it.each(["nothing", "%00", "..%2f..%2fetc%2fpasswd", Buffer.from("Video:other").toString("base64url")])(
    "serves no media for the id %s",
    async (id) => {
      expect((await get(`/media/${id}`)).status).toBe(404);
    },
  );

  it("serves no media file outside the media roots, nor one that is gone", async () => {
    const outside = await addScoredVideo(test, { externalId: "outside", word: TEST_PACK_WORD, scores: [0.1] });
    const id = Buffer.from(`Video:${outside.id}`).toString("base64url");
    expect((await get(`/media/${id}`)).status).toBe(404);
    const file = path.join(test.media, "alarm.wav");
    await rename(file, `${file}.moved`);
    expect((await get(`/media/${videoId}`)).status).toBe(404);
    await rename(`${file}.moved`, file);
  });

  it("never serves a media file as a page", async () => {
    const file = path.join(test.media, "alarm.wav");
    const page = path.join(test.media, "alarm.html");
    await rename(file, page);
    await writeFile(file, "");
    const job = await test.earshot.ingest.submit(
      { source: { path: "alarm.html" }, externalId: "page" },
      DEFAULT_TENANT,
    );
    await test.earshot.ingest.waitFor(DEFAULT_TENANT, job.id);
    const { data } = await test.run(`{ video(externalId: "page") { id } }`);
    const response = await get(`/media/${data!["video"].id}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    await rename(page, file);
  });

  it("refuses requests that another site's page can make a browser send", async () => {
    const simple = await get("/graphql", {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: JSON.stringify({ query: "{ __typename }" }),
    });
    expect(simple.status).toBe(400);
    const preflight = await get("/graphql", { method: "OPTIONS", headers: { origin: "https://evil.example" } });
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
    expect((await get("/graphql?query=%7B__typename%7D")).status).toBe(400);
  });

  it.each([
    ["{", 400, "BAD_REQUEST"],
    [JSON.stringify({ query: "x".repeat(400_000) }), 413, "REQUEST_TOO_LARGE"],
    [JSON.stringify({ query: "{ a }" }), 400, "GRAPHQL_VALIDATION_FAILED"],
    [JSON.stringify({ query: `{ ${"__typename ".repeat(6000)} }` }), 400, "GRAPHQL_PARSE_FAILED"],
    [JSON.stringify([{ query: "{ __typename }" }, { query: "{ __typename }" }]), 400, "BAD_REQUEST"],
  ])("refuses a request body that cannot be taken (%#)", async (body, status, code) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect((await json(response)).errors[0].extensions.code).toBe(code);
  });

  it("masks unexpected errors and repeats the id of the request", async () => {
    vi.spyOn(test.earshot.catalog.videos, "count").mockRejectedValue(new Error("secret"));
    const response = await post({ query: `{ videos { totalCount } }` }, { "x-request-id": "my-request" });
    const text = await response.text();
    expect(text).not.toContain("secret");
    expect(JSON.parse(text).errors[0].extensions).toEqual({ code: "INTERNAL_SERVER_ERROR", requestId: "my-request" });
  });

  it("has nothing at other addresses", async () => {
    expect((await get("/nothing")).status).toBe(404);
    expect((await get("/../package.json")).status).toBe(404);
  });

  it("says clearly that a port is in use, and by which setting to change it", async () => {
    const other: Server = createServer();
    await new Promise<void>((resolve) => void other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    await expect(startServer(test.earshot, { port })).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: expect.stringMatching(new RegExp(`Port ${port}.*--port`)),
    });
    await new Promise((resolve) => void other.close(resolve));
  });

  it("answers requests in flight before it ends, and stays off then", async () => {
    const own = await startServer(test.earshot, { port: 0 });
    const asked = fetch(`${own.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: `{ searchVideosByAudio(query: "${TEST_PACK_WORD}") { nodes { externalId } } }` }),
    });
    await new Promise((resolve) => void test.earshot.events.once("search", resolve));
    await own.close();
    expect((await asked).status).toBe(200);
    await expect(fetch(`${own.url}/health`)).rejects.toThrow();
    expect((await test.run(`{ videos { totalCount } }`)).errors).toBeUndefined();
  });
});

describe("a server without introspection and media", () => {
  it("hides the schema, and has no media", async () => {
    const test = await openTestEarshot({ graphql: { introspection: false } });
    const server = await startServer(test.earshot, { port: 0 });
    try {
      const response = await fetch(`${server.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query: "{ __schema { queryType { name } } }" }),
      });
      expect((await json(response)).errors[0].extensions.code).toBe("GRAPHQL_VALIDATION_FAILED");
      const video = await addScoredVideo(test, { externalId: "v", word: TEST_PACK_WORD, scores: [0.1] });
      const id = Buffer.from(`Video:${video.id}`).toString("base64url");
      expect((await fetch(`${server.url}/media/${id}`)).status).toBe(404);
    } finally {
      await server.close();
      await test.end();
    }
  });
});
