import { describe, expect, it } from "vitest";
import { clock, percent, span, table } from "../../../src/cli/text.js";

describe("clock", () => {
  it.each([
    [0, "0:00.0"],
    [7.68, "0:07.7"],
    [59.96, "1:00.0"],
    [3599.99, "1:00:00.0"],
    [45296.25, "12:34:56.3"],
  ])("shows %d seconds as %s", (seconds, text) => {
    expect(clock(seconds)).toBe(text);
  });
});

it("spans and percentages are short", () => {
  expect(span({ startSeconds: 1.92, endSeconds: 65 })).toBe("0:01.9-1:05.0");
  expect(percent(0.066)).toBe("  7 %");
});

describe("table", () => {
  it("lines numbers up on the right and words on the left", () => {
    expect(
      table(
        [{ header: "title" }, { header: "score", align: "right" }],
        [
          ["a", "0.5"],
          ["bcdefg", "10.5"],
        ],
      ),
    ).toEqual(["title   score", "──────  ─────", "a         0.5", "bcdefg   10.5"]);
  });

  it("cuts long cells and shows no control characters", () => {
    const [, , row] = table([{ header: "title" }], [[`\u001b[31m${"x".repeat(80)}`]]);
    expect(row).toHaveLength(48);
    expect(row).not.toContain("\u001b");
  });
});
