import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { recordedLog } from "../../fixtures/recorded-log.js";
import type { Logger } from "../../../src/config/index.js";
import { addScoredVideo, openTestEarshot, TEST_PACK_WORD, type TestEarshot } from "../../fixtures/earshot.js";

/** Of a time that is later than any date. */
const LATE_CURSOR = Buffer.from(JSON.stringify(["jobs", Number.MAX_SAFE_INTEGER, "x"])).toString("base64url");

afterEach(() => vi.restoreAllMocks());

describe("lists", () => {
  let test: TestEarshot;

  beforeAll(async () => {
    test = await openTestEarshot();
    for (let place = 0; place < 23; place++) {
      const metadata = { place, even: place % 2 === 0 };
      await addScoredVideo(test, { externalId: `v${place}`, word: TEST_PACK_WORD, scores: [0.5, 0.4], metadata });
    }
  });
  afterAll(() => test.end());

  it.each([1, 5, 23, 100])("show every video once, newest first, when read %i at a time", async (first) => {
    const query = `query ($first: Int, $after: String) {
      videos(first: $first, after: $after) { nodes { externalId } pageInfo { hasNextPage endCursor } totalCount }
    }`;
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { data, errors } = await test.run(query, { first, after });
      expect(errors).toBeUndefined();
      expect(data!["videos"].totalCount).toBe(23);
      seen.push(...data!["videos"].nodes.map((node: { externalId: string }) => node.externalId));
      after = data!["videos"].pageInfo.hasNextPage ? data!["videos"].pageInfo.endCursor : null;
    } while (after !== null);
    expect(seen).toHaveLength(23);
    expect(new Set(seen).size).toBe(23);
    expect(seen[0]).toBe("v22");
  });

  it("filter videos as searches do, and count what passes", async () => {
    const { data } = await test.run(
      `{ videos(first: 3, filter: { metadata: [{ path: ["even"], equals: true }] }) { nodes { externalId } totalCount } }`,
    );
    expect(data).toEqual({
      videos: { nodes: [{ externalId: "v22" }, { externalId: "v20" }, { externalId: "v18" }], totalCount: 12 },
    });
  });

  it.each([
    [`{ videos(first: 0) { totalCount } }`, "FIRST_OUT_OF_RANGE"],
    [`{ videos(first: 101) { totalCount } }`, "FIRST_OUT_OF_RANGE"],
    [`{ videos(after: "x") { totalCount } }`, "INVALID_CURSOR"],
    [`{ ingestJobs(first: 1000) { totalCount } }`, "FIRST_OUT_OF_RANGE"],
    [`{ ingestJobs(after: "WyJ2aWRlb3MiLDEsIngiXQ") { totalCount } }`, "INVALID_CURSOR"],
    [`{ ingestJobs(after: "${LATE_CURSOR}") { totalCount } }`, "INVALID_CURSOR"],
    [`{ video { id } }`, "ONE_ARGUMENT_NEEDED"],
    [`{ video(id: "x", externalId: "x") { id } }`, "ONE_ARGUMENT_NEEDED"],
    [`{ video(id: "x") { id } }`, "INVALID_ID"],
    [`{ node(id: "x") { id } }`, "INVALID_ID"],
    [`{ ingestJob(id: "VmlkZW86MQ") { id } }`, "INVALID_ID"],
  ])("%s fails with %s", async (query, code) => {
    const { errors } = await test.run(query);
    expect(errors?.[0]?.extensions["code"]).toBe(code);
  });

  it("read what many videos ask for in one go", async () => {
    const { catalog } = test.earshot;
    const counts = vi.spyOn(catalog.segments, "countByVideo");
    const jobs = vi.spyOn(catalog.jobs, "latestOfVideos");
    const videos = vi.spyOn(catalog.videos, "findMany");
    const { data } = await test.run(
      `{ videos(first: 23) { nodes { segmentCount latestJob { state video { title } } } } }`,
    );
    expect(data!["videos"].nodes).toHaveLength(23);
    expect(counts).toHaveBeenCalledTimes(1);
    expect(jobs).toHaveBeenCalledTimes(1);
    expect(videos.mock.calls.length).toBeLessThanOrEqual(1);
  });
});

describe("unexpected errors", () => {
  it("are masked with a request id, and logged with their cause", async () => {
    const log = recordedLog();
    const test = await openTestEarshot({
      logger: log as unknown as Logger,
      context: () => ({ requestId: "request-17" }),
    });
    try {
      vi.spyOn(test.earshot.catalog.videos, "list").mockRejectedValue(new Error("secret: /srv/db at 10.0.0.1"));
      const { errors } = await test.run(`{ videos { nodes { id } } }`);
      expect(errors?.[0]?.message).toContain("request-17");
      expect(errors?.[0]?.extensions).toEqual({ code: "INTERNAL_SERVER_ERROR", requestId: "request-17" });
      expect(JSON.stringify(errors)).not.toContain("secret");
      expect(errors?.[0]?.originalError?.message).not.toContain("secret");
      const line = log.lines.find(({ level }) => level === "error");
      expect(line?.details).toMatchObject({ requestId: "request-17", path: "Query.videos" });
      expect(String((line?.details as { err: Error }).err)).toContain("secret");
    } finally {
      await test.end();
    }
  });
});
