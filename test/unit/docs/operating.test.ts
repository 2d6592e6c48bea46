import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { environmentVariables } from "../../../src/config/environment.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const docs = path.join(root, "docs");
const operating = readFileSync(path.join(docs, "operating.md"), "utf8");
const manuals = readdirSync(docs)
  .filter((name) => name.endsWith(".md") && name !== "decisions.md")
  .map((name) => readFileSync(path.join(docs, name), "utf8"))
  .join("\n");

/** The texts of src/, with what joins the parts of a long message taken out. */
const sources = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.includes("generated"))
  .map((name) => readFileSync(path.join(root, "src", name), "utf8").replaceAll(/" \+\s+"/g, ""))
  .join("\n");

describe("the operating manual", () => {
  it("names every variable that Earshot reads, here or in another document", () => {
    expect(environmentVariables.filter((name) => !manuals.includes(`\`${name}\``) && !manuals.includes(name))).toEqual(
      [],
    );
  });

  it("names no variable that Earshot does not read", () => {
    const named = new Set(operating.match(/\bEARSHOT_[A-Z0-9_]*[A-Z0-9]/g));
    expect([...named].filter((name) => !environmentVariables.includes(name))).toEqual([]);
  });

  it("quotes messages and codes as they are", () => {
    const table = operating.slice(operating.indexOf("## When something breaks"));
    const quotes = [...table.matchAll(/"([A-Z][^"]{20,})"/g)].map((match) => match[1]!);
    const codes = [...table.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map((match) => match[1]!);
    expect(quotes.length).toBeGreaterThan(5);
    expect(quotes.filter((quote) => !sources.includes(quote))).toEqual([]);
    const unknown = codes.filter((code) => !sources.includes(`"${code}"`) && !environmentVariables.includes(code));
    expect(unknown).toEqual([]);
  });

  it("links to files that are there", () => {
    for (const name of ["operating.md", "capacity.md"]) {
      const text = readFileSync(path.join(docs, name), "utf8");
      const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!);
      const there = (link: string) => {
        const place = path.join(docs, link);
        return readdirSync(path.dirname(place)).includes(path.basename(place));
      };
      expect(links.filter((link) => !there(link))).toEqual([]);
    }
  });
});
