import { describe, expect, it } from "vitest";
import { QueryEmptyError, QueryTooLongError } from "../../../src/errors.js";
import { checkRanges, normaliseQuery } from "../../../src/search/request.js";

describe("normaliseQuery", () => {
  it("trims, joins white space, drops invisible characters, and composes Unicode", () => {
    expect(normaliseQuery("  a\tdog\n\u0000 ba\u00ADrks\u00A0 cafe\u0301 ", 100)).toBe("a dog barks café");
  });

  it.each(["", "   ", "\u0000", "?!…", "\u200B", "🐕"])("refuses %j, which holds no words", (query) => {
    expect(() => normaliseQuery(query, 100)).toThrow(QueryEmptyError);
  });

  it("counts characters, not UTF-16 units", () => {
    expect(normaliseQuery("𝄞".repeat(9) + "a", 10)).toHaveLength(19);
    expect(() => normaliseQuery("𝄞".repeat(10) + "a", 10)).toThrow(QueryTooLongError);
  });

  it("refuses a huge query before it works on it", () => {
    expect(() => normaliseQuery(" ".repeat(50_000_000), 1000)).toThrow(QueryTooLongError);
  });
});

describe("checkRanges", () => {
  const request = { tenant: "t", query: "q", first: 10, momentsPerVideo: 3 };

  it.each([
    [{ first: 0 }, "FIRST_OUT_OF_RANGE"],
    [{ first: 101 }, "FIRST_OUT_OF_RANGE"],
    [{ first: 1.5 }, "FIRST_OUT_OF_RANGE"],
    [{ momentsPerVideo: 0 }, "MOMENTS_PER_VIDEO_OUT_OF_RANGE"],
    [{ momentsPerVideo: 21 }, "MOMENTS_PER_VIDEO_OUT_OF_RANGE"],
    [{ minRelevance: -0.1 }, "MIN_RELEVANCE_OUT_OF_RANGE"],
    [{ minRelevance: 1.1 }, "MIN_RELEVANCE_OUT_OF_RANGE"],
    [{ minRelevance: Number.NaN }, "MIN_RELEVANCE_OUT_OF_RANGE"],
  ])("refuses %j with %s", (change, code) => {
    expect(() => {
      checkRanges({ ...request, ...change });
    }).toThrow(expect.objectContaining({ code }));
  });

  it.each([{ first: 1 }, { first: 100 }, { momentsPerVideo: 20 }, { minRelevance: 0 }, { minRelevance: 1 }])(
    "lets %j through",
    (change) => {
      expect(() => {
        checkRanges({ ...request, ...change });
      }).not.toThrow();
    },
  );
});
