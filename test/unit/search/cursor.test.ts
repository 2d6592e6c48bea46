import { describe, expect, it } from "vitest";
import { CursorOutdatedError, InvalidCursorError } from "../../../src/errors.js";
import { decodeCursor, encodeCursor, searchFingerprint } from "../../../src/search/cursor.js";

const fingerprint = searchFingerprint("pack@1", { tenant: "a", query: "a dog", filter: { ids: ["x"] } });

describe("search cursors", () => {
  it("carry the position exactly", () => {
    const position = { score: 0.123456789012345, rank: 70_000, videoId: "vidéo-1" };
    expect(decodeCursor(encodeCursor(position, fingerprint), fingerprint)).toEqual(position);
  });

  it("are the same for searches which differ in the order of filter keys only", () => {
    const fingerprintOf = (filter: object) => searchFingerprint("pack@1", filter);
    expect(fingerprintOf({ b: 1, a: { d: 2, c: 3 } })).toEqual(fingerprintOf({ a: { c: 3, d: 2 }, b: 1 }));
  });

  it("of another search are refused", () => {
    const other = encodeCursor({ score: 0.5, rank: 1, videoId: "v" }, searchFingerprint("pack@1", { query: "a cat" }));
    expect(() => decodeCursor(other, fingerprint)).toThrow(/another search/);
  });

  it("of the same search in another index are refused as outdated", () => {
    const before = searchFingerprint("pack@1", { query: "a dog" });
    const now = searchFingerprint("pack@2", { query: "a dog" });
    const cursor = encodeCursor({ score: 0.5, rank: 1, videoId: "v" }, before);
    expect(() => decodeCursor(cursor, now)).toThrow(CursorOutdatedError);
  });

  it.each(["", "abc", "not base64 !", "A".repeat(80), "é"])("which were never given out are refused: %j", (cursor) => {
    expect(() => decodeCursor(cursor, fingerprint)).toThrow(InvalidCursorError);
  });

  it("are refused after any change of one character", () => {
    const cursor = encodeCursor({ score: 0.5, rank: 1, videoId: "some-video" }, fingerprint);
    for (let place = 0; place < cursor.length; place++) {
      const changed = cursor.slice(0, place) + (cursor[place] === "A" ? "B" : "A") + cursor.slice(place + 1);
      expect(() => decodeCursor(changed, fingerprint)).toThrow(InvalidCursorError);
    }
  });
});
