import { describe, expect, it } from "vitest";
import { checkDescription } from "../../../src/ingest/submission.js";

describe("what is said about a video", () => {
  it("is null where nothing is said", () => {
    expect(checkDescription({ source: {} })).toEqual({
      externalId: null,
      title: null,
      metadata: null,
      priority: "NORMAL",
      requestId: null,
    });
  });

  it.each([
    [{ externalId: "" }, "externalId"],
    [{ externalId: "x".repeat(501) }, "externalId"],
    [{ title: "x".repeat(1001) }, "title"],
    [{ metadata: { text: "x".repeat(70_000) } }, "metadata"],
    [{ externalId: "a\0b" }, "externalId"],
    [{ title: "half \ud83d" }, "title"],
    [{ metadata: { deep: [{ text: "\0" }] } }, "metadata"],
    [{ metadata: { "key\0": 1 } }, "metadata"],
    [{ metadata: [1] as unknown as Record<string, unknown> }, "metadata"],
    [{ metadata: { big: 1n } }, "metadata"],
  ])("is refused, by field, when it is malformed or too long", (given, field) => {
    expect(() => checkDescription({ source: {}, ...given })).toThrow(
      expect.objectContaining({ code: "INVALID_VIDEO_INPUT", field }),
    );
  });
});
