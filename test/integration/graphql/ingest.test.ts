import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseGlobalId } from "../../../src/graphql/ids.js";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { openTestEarshot, type AnyData, type TestEarshot } from "../../fixtures/earshot.js";
import { writeWav } from "../../fixtures/media-files.js";
import { inTurn, noise, SAMPLE_RATE, tone } from "../../fixtures/sounds.js";

const INGEST = `
  mutation ($input: IngestVideoInput!) {
    ingestVideo(input: $input) {
      job { id state stage attempts errorCode video { id } }
      video { id externalId title metadata state segmentCount durationSeconds indexedAt }
      userErrors { code message field }
    }
  }`;
const JOB = `
  query ($id: ID!) {
    ingestJob(id: $id) { id state stage progress attempts errorCode errorMessage externalId createdAt startedAt finishedAt video { id segmentCount state } }
  }`;
const SEARCH = `
  query ($query: String!) {
    searchVideosByAudio(query: $query) { edges { moments { startSeconds endSeconds } node { externalId title } } }
  }`;
const DELETE = `
  mutation ($input: DeleteVideoInput!) {
    deleteVideo(input: $input) { deletedVideoId deletedExternalId userErrors { code message field } }
  }`;

/** Twelve seconds of faint noise with a tone in it from 5.76 s to 7.68 s. */
const withTone = (hertz: number): Float32Array =>
  inTurn(noise(5.76 * SAMPLE_RATE, 1, 0.01), tone(hertz, 1.92 * SAMPLE_RATE), noise(4.32 * SAMPLE_RATE, 2, 0.01));

describe("ingestVideo, ingestJob and deleteVideo", () => {
  let test: TestEarshot;
  const run = async (query: string, variables: Record<string, unknown>): Promise<AnyData> => {
    const { data, errors } = await test.run(query, variables);
    expect(errors).toBeUndefined();
    return Object.values(data!)[0] as AnyData;
  };
  const ended = async (payload: AnyData): Promise<AnyData> => {
    await test.earshot.ingest.waitFor(DEFAULT_TENANT, parseGlobalId(payload["job"].id).id);
    return run(JOB, { id: payload["job"].id });
  };
  const file = (name: string, sound: Float32Array): Promise<string> => writeWav(path.join(test.media, name), sound);

  beforeAll(async () => {
    test = await openTestEarshot();
    await test.earshot.start();
  });
  afterAll(() => test.end());

  it("return a job at once, and the video can be found at the right moment when it is done", async () => {
    const source = { path: await file("kettle.wav", withTone(4000)) };
    const input = { source, externalId: "kettle-1", title: "Kettle", metadata: { room: "kitchen" } };
    const payload = await run(INGEST, { input });
    expect(payload["userErrors"]).toEqual([]);
    expect(payload["job"]).toMatchObject({ state: "PENDING", video: { id: payload["video"].id } });
    expect(payload["video"]).toMatchObject({
      externalId: "kettle-1",
      title: "Kettle",
      metadata: { room: "kitchen" },
      state: "PENDING",
    });

    const job = await ended(payload);
    expect(job).toMatchObject({
      state: "COMPLETED",
      progress: 1,
      attempts: 1,
      errorCode: null,
      externalId: "kettle-1",
    });
    expect(job["video"]).toMatchObject({ state: "INDEXED", segmentCount: 6 });
    const { edges } = await run(SEARCH, { query: "whistle" });
    expect(edges[0].node.externalId).toBe("kettle-1");
    expect(edges[0].moments[0].startSeconds).toBeCloseTo(5.76, 6);
    expect(edges[0].moments[0].endSeconds).toBeCloseTo(7.68, 6);
  });

  it("replace a video that is submitted again with the same external id, and never double it", async () => {
    const first = await run(INGEST, {
      input: { source: { path: await file("a.wav", withTone(250)) }, externalId: "again", title: "Old" },
    });
    await ended(first);
    const second = await run(INGEST, {
      input: { source: { path: await file("b.wav", withTone(2000)) }, externalId: "again", title: "New" },
    });
    await ended(second);
    expect(second["video"].id).toBe(first["video"].id);
    const page = await run(
      `query { videos(filter: { externalIds: ["again"] }) { nodes { title segmentCount latestJob { id } } totalCount } }`,
      {},
    );
    expect(page).toEqual({
      nodes: [{ title: "New", segmentCount: 6, latestJob: { id: second["job"].id } }],
      totalCount: 1,
    });
    const { edges } = await run(SEARCH, { query: "alarm" });
    expect(edges.filter((edge: AnyData) => edge["node"].externalId === "again")).toHaveLength(1);
    expect(edges[0].node.title).toBe("New");
  });

  it("report media that cannot be indexed on the job, with a code, and leave no video behind", async () => {
    const payload = await run(INGEST, {
      input: { source: { path: await file("silent.wav", new Float32Array(SAMPLE_RATE * 3)) }, externalId: "silent" },
    });
    expect(await ended(payload)).toMatchObject({
      state: "FAILED",
      errorCode: "MEDIA_SILENT",
      attempts: 1,
      video: null,
    });
    expect((await test.run(`{ video(externalId: "silent") { id } }`)).data).toEqual({ video: null });
  });

  it.each([
    [{ url: "https://example.org/a.mp4" }, "SOURCE_URL_UNSUPPORTED", "source.url"],
    [{}, "ONE_ARGUMENT_NEEDED", "source"],
    [{ path: "a.wav", url: "https://example.org/a.mp4" }, "ONE_ARGUMENT_NEEDED", "source"],
    [{ path: "/etc/passwd" }, "SOURCE_OUTSIDE_ROOTS", "source.path"],
    [{ path: "../data/earshot.db" }, "SOURCE_OUTSIDE_ROOTS", "source.path"],
    [{ path: "missing.wav" }, "SOURCE_NOT_FOUND", "source.path"],
    [{ path: "." }, "SOURCE_IS_DIRECTORY", "source.path"],
  ])("refuse the source %j with %s", async (source, code, field) => {
    const payload = await run(INGEST, { input: { source } });
    expect(payload).toMatchObject({ job: null, video: null, userErrors: [{ code, field }] });
    expect(payload["userErrors"][0].message).not.toContain(test.folder);
  });

  it("delete a video by its external id with everything that belongs to it", async () => {
    await ended(
      await run(INGEST, {
        input: { source: { path: await file("c.wav", withTone(6000)) }, externalId: "short-lived" },
      }),
    );
    const before = (await test.run(`{ video(externalId: "short-lived") { id } }`)).data!;
    expect(await run(DELETE, { input: { externalId: "short-lived" } })).toEqual({
      deletedVideoId: before["video"].id,
      deletedExternalId: "short-lived",
      userErrors: [],
    });
    const after = await test.run(`query ($id: ID!) { node(id: $id) { id } }`, { id: before["video"].id });
    expect(after.data).toEqual({ node: null });
    const { edges } = await run(SEARCH, { query: "hiss" });
    expect(edges.map((edge: AnyData) => edge["node"].externalId)).not.toContain("short-lived");
    expect(await run(DELETE, { input: { externalId: "short-lived" } })).toMatchObject({
      deletedVideoId: null,
      userErrors: [{ code: "VIDEO_NOT_FOUND" }],
    });
  });

  it.each([
    [{}, "ONE_ARGUMENT_NEEDED"],
    [{ id: "made up" }, "INVALID_ID"],
  ])("refuse the deletion %j with %s", async (input, code) => {
    expect(await run(DELETE, { input })).toMatchObject({ deletedVideoId: null, userErrors: [{ code }] });
  });
});
