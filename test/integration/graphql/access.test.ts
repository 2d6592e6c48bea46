import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Right, ViewerOptions } from "../../../src/graphql/viewer.js";
import { addScoredVideo, openTestEarshot, TEST_PACK_WORD, type TestEarshot } from "../../fixtures/earshot.js";

describe("tenants and rights from the host's context", () => {
  let test: TestEarshot;
  /** The host of this test puts what it knows of the caller into its own context. */
  const as = (viewer: ViewerOptions): object => ({ hostUser: viewer });

  beforeAll(async () => {
    test = await openTestEarshot({ context: (context) => (context as { hostUser?: ViewerOptions }).hostUser ?? {} });
    for (const tenant of ["red", "blue"]) {
      await addScoredVideo(test, { externalId: "same id", title: tenant, tenant, word: TEST_PACK_WORD, scores: [0.9] });
    }
  });
  afterAll(() => test.end());

  it("show each tenant its own videos only, in every query", async () => {
    const query = `{
      videos { nodes { id title } totalCount }
      video(externalId: "same id") { title }
      searchVideosByAudio(query: "${TEST_PACK_WORD}") { nodes { title } }
      modelPacks { segmentCount }
    }`;
    const ids: string[] = [];
    for (const tenant of ["red", "blue"]) {
      const { data } = await test.run(query, {}, as({ tenant }));
      ids.push(data!["videos"].nodes[0].id);
      expect(data).toEqual({
        videos: { nodes: [{ id: ids.at(-1), title: tenant }], totalCount: 1 },
        video: { title: tenant },
        searchVideosByAudio: { nodes: [{ title: tenant }] },
        modelPacks: [{ segmentCount: 1 }],
      });
    }
    const foreign = await test.run(
      `query ($id: ID!) { node(id: $id) { id } video(id: $id) { id } searchVideosByAudio(query: "${TEST_PACK_WORD}", filter: { ids: [$id] }) { nodes { id } } }`,
      { id: ids[0] },
      as({ tenant: "blue" }),
    );
    expect(foreign.data).toEqual({ node: null, video: null, searchVideosByAudio: { nodes: [] } });
  });

  it("let nobody delete another tenant's video", async () => {
    const { data } = await test.run(
      `mutation { deleteVideo(input: { externalId: "same id" }) { deletedVideoId userErrors { code } } }`,
      {},
      as({ tenant: "green" }),
    );
    expect(data).toEqual({ deleteVideo: { deletedVideoId: null, userErrors: [{ code: "VIDEO_NOT_FOUND" }] } });
  });

  it.each<[string, Right]>([
    [`{ searchVideosByAudio(query: "alarm") { nodes { id } } }`, "search"],
    [`{ videos { nodes { id } } }`, "read"],
    [`{ video(externalId: "x") { id } }`, "read"],
    [`{ node(id: "x") { id } }`, "read"],
    [`{ ingestJob(id: "x") { id } }`, "read"],
    [`{ ingestJobs { nodes { id } } }`, "read"],
    [`{ modelPacks { name } }`, "read"],
    [`mutation { ingestVideo(input: { source: { path: "x" } }) { job { id } } }`, "ingest"],
    [`mutation { deleteVideo(input: { externalId: "x" }) { deletedVideoId } }`, "ingest"],
  ])("refuse %s to callers without the right to %s", async (operation, right) => {
    const others = (["search", "read", "ingest"] as const).filter((other) => other !== right);
    const refused = await test.run(operation, {}, as({ rights: others }));
    expect(refused.errors?.map(({ extensions }) => extensions["code"])).toEqual(["FORBIDDEN"]);
    const allowed = await test.run(operation, {}, as({ rights: [right] }));
    expect(allowed.errors?.map(({ extensions }) => extensions["code"])).not.toEqual(["FORBIDDEN"]);
  });
});
