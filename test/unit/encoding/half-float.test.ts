import { describe, expect, it } from "vitest";
import { halfToFloat } from "../../../src/encoding/half-float.js";

describe("a half float", () => {
  it.each([
    [0x0000, 0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65_504],
    [0x0400, 2 ** -14],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
  ])("0x%s is exactly %d", (bits, value) => {
    expect(halfToFloat(bits)).toBe(value);
  });

  it("keeps the sign of zero, and NaN", () => {
    expect(halfToFloat(0x8000)).toBe(-0);
    expect(halfToFloat(0x7e00)).toBeNaN();
  });

  it("grows with its bits over all finite values", () => {
    for (let bits = 1; bits <= 0x7bff; bits++) expect(halfToFloat(bits)).toBeGreaterThan(halfToFloat(bits - 1));
  });
});
