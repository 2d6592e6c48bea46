import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeCursor, encodeCursor } from "../../../src/search/cursor.js";
import { addScoredVideo, openTestEarshot, type AnyData, type TestEarshot } from "../../fixtures/earshot.js";

const SEARCH = `
  query ($query: String!, $first: Int, $after: String, $filter: VideoFilter, $minRelevance: Float, $momentsPerVideo: Int) {
    searchVideosByAudio(query: $query, first: $first, after: $after, filter: $filter, minRelevance: $minRelevance, momentsPerVideo: $momentsPerVideo) {
      edges { cursor score relevance moments { startSeconds endSeconds score relevance } node { id externalId } }
      nodes { externalId }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      notices { code message words }
      index { index }
    }
  }`;

/** Scores of segments which hear the sound in cells 4 and 5, with this peak. */
const heardOnce = (peak: number): number[] => [0.05, 0.04, 0.05, peak, peak, peak, 0.05, 0.04, 0.05, 0.05];

describe("searchVideosByAudio", () => {
  let test: TestEarshot;
  const search = async (variables: Record<string, unknown>): Promise<AnyData> => {
    const { data, errors } = await test.run(SEARCH, variables);
    expect(errors).toBeUndefined();
    return data!["searchVideosByAudio"] as AnyData;
  };
  const failure = async (variables: Record<string, unknown>): Promise<unknown> => {
    const { errors } = await test.run(SEARCH, variables);
    return errors?.[0]?.extensions["code"];
  };
  const found = (page: AnyData): string[] => page["nodes"].map((node: AnyData) => node["externalId"]);

  beforeAll(async () => {
    test = await openTestEarshot();
    const add = (externalId: string, peak: number, metadata = {}): Promise<unknown> =>
      addScoredVideo(test, {
        externalId,
        title: `Title of ${externalId}`,
        metadata,
        word: "whistle",
        scores: heardOnce(peak),
      });
    await add("good", 0.9, { camera: { site: "harbour", number: 17 }, night: true });
    await add("better", 0.95, { camera: { site: "hill", number: 18 } });
    await add("fair", 0.6);
    await add("poor", 0.2);
    await addScoredVideo(test, {
      externalId: "other tenant's",
      tenant: "other",
      word: "whistle",
      scores: heardOnce(1),
    });
  });
  afterAll(() => test.end());

  it("finds videos best first, with score, relevance and the moment in which the sound is heard", async () => {
    const page = await search({ query: "whistle" });
    expect(found(page)).toEqual(["better", "good", "fair", "poor"]);
    const edge = page["edges"][1];
    expect(edge.score).toBeCloseTo(0.9, 5);
    expect(edge.relevance).toBeCloseTo(1 / (1 + Math.exp(-(8 * 0.9 - 4))), 5);
    expect(edge.moments).toHaveLength(1);
    expect(edge.moments[0].startSeconds).toBeCloseTo(4 * 1.92, 6);
    expect(edge.moments[0].endSeconds).toBeCloseTo(6 * 1.92, 6);
    expect(edge.moments[0].score).toBe(edge.score);
    expect(edge.moments[0].relevance).toBe(edge.relevance);
    expect(page["index"].index).toBe("tiny@1.0.0");
    expect(page["notices"]).toEqual([]);
  });

  it("gives the same page for the same query whatever its spacing and composition", async () => {
    const page = await search({ query: "a whistle" });
    expect(await search({ query: "  a \n whistle " })).toEqual(page);
  });

  it("never shows another tenant's videos", async () => {
    expect(found(await search({ query: "whistle", first: 100 }))).not.toContain("other tenant's");
  });

  it("pages through everything without gaps or duplicates", async () => {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const page: AnyData = await search({ query: "whistle", first: 1, after });
      expect(page["pageInfo"].hasPreviousPage).toBe(after !== null);
      expect(page["pageInfo"].startCursor).toBe(page["edges"][0].cursor);
      seen.push(...found(page));
      after = page["pageInfo"].hasNextPage ? (page["pageInfo"].endCursor as string) : null;
    } while (after !== null);
    expect(seen).toEqual(["better", "good", "fair", "poor"]);
  });

  it("leaves out videos below minRelevance, also on later pages", async () => {
    const first = await search({ query: "whistle", first: 1, minRelevance: 0.5 });
    const rest = await search({ query: "whistle", after: first["pageInfo"].endCursor, minRelevance: 0.5 });
    expect([...found(first), ...found(rest)]).toEqual(["better", "good", "fair"]);
    expect(rest["pageInfo"].hasNextPage).toBe(false);
  });

  it.each([
    [{ externalIds: ["fair", "poor", "other tenant's"] }, ["fair", "poor"]],
    [{ titleContains: "of GOOD" }, ["good"]],
    [{ createdAfter: "2000-01-01T00:00:00Z" }, ["better", "good", "fair", "poor"]],
    [{ createdBefore: "2000-01-01T00:00:00Z" }, []],
    [{ metadata: [{ path: ["camera", "site"], equals: "harbour" }] }, ["good"]],
    [{ metadata: [{ path: ["camera", "number"], equals: 18 }] }, ["better"]],
    [{ metadata: [{ path: ["night"], equals: true }] }, ["good"]],
    [
      {
        metadata: [
          { path: ["camera", "site"], equals: "harbour" },
          { path: ["night"], equals: false },
        ],
      },
      [],
    ],
    [{ metadata: [{ path: ["camera') OR 1=1 --"], equals: "y" }] }, []],
    [{ ids: [] }, []],
    [{}, ["better", "good", "fair", "poor"]],
  ])("looks only at videos which pass the filter %j", async (filter, expected) => {
    expect(found(await search({ query: "whistle", filter }))).toEqual(expected);
  });

  it("filters by the ids it gives out", async () => {
    const page = await search({ query: "whistle" });
    const ids = [page["edges"][2].node.id];
    expect(found(await search({ query: "whistle", filter: { ids } }))).toEqual(["fair"]);
  });

  it("names the words it does not know and goes on without them", async () => {
    const page = await search({ query: "a xylophagous whistle" });
    expect(found(page)).toHaveLength(4);
    expect(page["notices"]).toEqual([expect.objectContaining({ code: "UNKNOWN_WORDS", words: ["a", "xylophagous"] })]);
  });

  it("gives an empty page with a notice when it knows no word, never a random page", async () => {
    const page = await search({ query: "xylophagous quux" });
    expect(page["edges"]).toEqual([]);
    expect(page["pageInfo"]).toEqual({
      hasNextPage: false,
      hasPreviousPage: false,
      startCursor: null,
      endCursor: null,
    });
    expect(page["notices"]).toEqual([
      expect.objectContaining({ code: "NO_KNOWN_WORD", words: ["xylophagous", "quux"] }),
    ]);
  });

  it("says which words were cut from a query that is longer than the model reads", async () => {
    const page = await search({ query: "whistle ".repeat(20) + "kettle" });
    expect(page["notices"]).toEqual([expect.objectContaining({ code: "QUERY_CUT", words: ["kettle"] })]);
  });

  it.each([
    [{ query: "" }, "QUERY_EMPTY"],
    [{ query: " \n " }, "QUERY_EMPTY"],
    [{ query: "?!" }, "QUERY_EMPTY"],
    [{ query: "whistle ".repeat(1000) }, "QUERY_TOO_LONG"],
    [{ query: "whistle", first: 0 }, "FIRST_OUT_OF_RANGE"],
    [{ query: "whistle", first: -1 }, "FIRST_OUT_OF_RANGE"],
    [{ query: "whistle", first: 101 }, "FIRST_OUT_OF_RANGE"],
    [{ query: "whistle", momentsPerVideo: 0 }, "MOMENTS_PER_VIDEO_OUT_OF_RANGE"],
    [{ query: "whistle", minRelevance: 1.01 }, "MIN_RELEVANCE_OUT_OF_RANGE"],
    [{ query: "whistle", after: "made up" }, "INVALID_CURSOR"],
    [{ query: "whistle", after: "" }, "INVALID_CURSOR"],
    [{ query: "whistle", filter: { ids: ["made up"] } }, "INVALID_ID"],
    [{ query: "whistle", filter: { metadata: [{ path: [], equals: 1 }] } }, "INVALID_FILTER"],
    [{ query: "whistle", filter: { metadata: [{ path: ['a"b'], equals: 1 }] } }, "INVALID_FILTER"],
    [{ query: "whistle", filter: { metadata: [{ path: ["a"], equals: { b: 1 } }] } }, "INVALID_FILTER"],
  ])("refuses %j with %s", async (variables, code) => {
    expect(await failure(variables)).toBe(code);
  });

  it("refuses a cursor of another query, filter or minRelevance", async () => {
    const { pageInfo } = await search({ query: "whistle", first: 1 });
    for (const change of [{ query: "kettle" }, { filter: { titleContains: "x" } }, { minRelevance: 0.1 }]) {
      expect(await failure({ query: "whistle", after: pageInfo.endCursor, ...change })).toBe("INVALID_CURSOR");
    }
  });

  it("pages as far as the first 10,000 videos, and no further", async () => {
    const { edges } = await search({ query: "whistle", first: 2 });
    const { pageInfo } = await search({ query: "whistle", first: 1, after: edges[1].cursor });
    // What it was made for: 6 bytes of checksum and 1 of the version come first.
    const fingerprint = Buffer.from(pageInfo.endCursor as string, "base64url").subarray(7, 19);
    const third = decodeCursor(pageInfo.endCursor as string, fingerprint);
    expect(third.rank).toBe(3);
    const asIf = (rank: number) => encodeCursor({ ...third, rank }, fingerprint);
    expect(found(await search({ query: "whistle", after: asIf(9_999) }))).toEqual(["poor"]);
    expect(await failure({ query: "whistle", after: asIf(10_000) })).toBe("SEARCH_TOO_DEEP");
  });

  it("takes null for first and momentsPerVideo as not given", async () => {
    expect(found(await search({ query: "whistle", first: null, momentsPerVideo: null }))).toHaveLength(4);
  });
});

describe("searchVideosByAudio in a library with long videos and equal scores", () => {
  let test: TestEarshot;
  beforeAll(async () => {
    test = await openTestEarshot();
    // Every segment of the long videos is better than all others together.
    for (const place of [1, 2]) {
      await addScoredVideo(test, {
        externalId: `long ${place}`,
        word: "hum",
        scores: Array.from({ length: 900 }, (_, i) => 0.9 + 0.0001 * (i % 10)),
      });
    }
    for (let place = 0; place < 60; place++) {
      await addScoredVideo(test, { externalId: `tie ${place}`, word: "hum", scores: [0.5, 0.5, null, 0.1] });
    }
  });
  afterAll(() => test.end());

  it("fills its pages although long videos hold the best hundreds of segments", async () => {
    const { data } = await test.run(SEARCH, { query: "hum", first: 10 });
    const externalIds = data!["searchVideosByAudio"].nodes.map((node: AnyData) => node["externalId"]);
    expect(new Set(externalIds).size).toBe(10);
    expect(externalIds.slice(0, 2).sort()).toEqual(["long 1", "long 2"]);
  });

  it.each([1, 7, 60, 100])("shows every video once when read %i at a time, ties in a fixed order", async (first) => {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { data } = await test.run(SEARCH, { query: "hum", first, after });
      const page: AnyData = data!["searchVideosByAudio"];
      expect(page["edges"].length).toBeGreaterThan(0);
      seen.push(...page["edges"].map((edge: AnyData) => Buffer.from(edge["node"].id, "base64url").toString()));
      after = page["pageInfo"].hasNextPage ? page["pageInfo"].endCursor : null;
    } while (after !== null);
    expect(seen).toHaveLength(62);
    expect(new Set(seen).size).toBe(62);
    const ties = seen.slice(2);
    expect(ties).toEqual([...ties].sort());
  });
});
