import { describe, expect, it } from "vitest";
import { InvalidIdError } from "../../../src/errors.js";
import { localId, parseGlobalId, toGlobalId } from "../../../src/graphql/ids.js";

describe("global ids", () => {
  it("carry type and id", () => {
    expect(parseGlobalId(toGlobalId("Video", "a:b:ü"))).toEqual({ type: "Video", id: "a:b:ü" });
  });

  it.each(["", "abc", "!!!", Buffer.from("Video:").toString("base64url"), Buffer.from("User:1").toString("base64url")])(
    "which were never given out are refused: %j",
    (id) => {
      expect(() => parseGlobalId(id)).toThrow(InvalidIdError);
    },
  );

  it("of another type are refused, naming the argument", () => {
    expect(() => localId("Video", toGlobalId("IngestJob", "1"), "id")).toThrow(
      /type IngestJob; id needs one of type Video/,
    );
  });
});
