import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VectorIndexNotFoundError } from "../../../src/errors.js";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { createSearchService } from "../../../src/search/index.js";
import type { VectorIndex } from "../../../src/vectors/index.js";
import { addScoredVideo, openTestEarshot, TEST_PACK_WORD, type TestEarshot } from "../../fixtures/earshot.js";

let test: TestEarshot;
beforeEach(async () => {
  test = await openTestEarshot();
  for (const [n, externalId] of ["a", "b", "c", "d", "e"].entries()) {
    await addScoredVideo(test, { externalId, word: TEST_PACK_WORD, scores: [0.9 - n / 10] });
  }
});
afterEach(() => test.end());

/** A search during whose rankings something happens. */
async function searchWhile(meanwhile: (ranking: number) => Promise<void>, first: number, after?: string) {
  const { catalog, vectors, live } = test.earshot;
  let rankings = 0;
  const queryVideos: VectorIndex["queryVideos"] = async (...query) => {
    const hits = await vectors.queryVideos(...query);
    await meanwhile((rankings += 1));
    return hits;
  };
  const engine = Object.assign(Object.create(vectors) as VectorIndex, { queryVideos });
  const service = createSearchService({ catalog, vectors: engine, live, maxQueryCharacters: 100 });
  const request = { tenant: DEFAULT_TENANT, query: TEST_PACK_WORD, first, momentsPerVideo: 1 };
  const page = await service.search({ ...request, ...(after === undefined ? {} : { after }) });
  return { ...page, names: page.hits.map(({ video }) => video.externalId) };
}

const deletes =
  (...externalIds: string[]) =>
  async () => {
    const externalId = externalIds.shift();
    if (externalId !== undefined) await test.earshot.ingest.deleteVideo(DEFAULT_TENANT, { externalId });
  };

describe("a search while the library changes", () => {
  it("fills the page with the next videos when some were deleted since they were ranked", async () => {
    const page = await searchWhile(deletes("a", "d"), 2);
    expect(page).toMatchObject({ names: ["b", "c"], hasNextPage: true });
    const next = await searchWhile(deletes(), 2, page.hits.at(-1)!.cursor);
    expect(next).toMatchObject({ names: ["e"], hasNextPage: false });
  });

  it("ends with what is left when the last ones were deleted", async () => {
    expect(await searchWhile(deletes("e"), 5)).toMatchObject({ names: ["a", "b", "c", "d"], hasNextPage: false });
  });

  it("is made again when its index was dropped under it", async () => {
    const dropped = (ranking: number) =>
      ranking === 1 ? Promise.reject(new VectorIndexNotFoundError("There is no such index.")) : Promise.resolve();
    expect((await searchWhile(dropped, 2)).names).toEqual(["a", "b"]);
    const gone = () => Promise.reject(new VectorIndexNotFoundError("There is no such index."));
    await expect(searchWhile(gone, 2)).rejects.toMatchObject({ code: "VECTOR_INDEX_NOT_FOUND" });
  });
});
