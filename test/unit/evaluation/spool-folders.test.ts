import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { removeStaleSpools, spoolFolder } from "../../../src/evaluation/run/spool-folders.js";

let data: string;
beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), "earshot-spools-"));
});
afterEach(() => rm(data, { recursive: true }));

const make = (id: string) => mkdir(spoolFolder(data, id), { recursive: true });
const left = () => readdir(path.join(data, "evaluations"));

describe("vectors that killed processes have left", () => {
  it("are removed once their evaluations have ended", async () => {
    await Promise.all(["ended", "running"].map(make));
    await removeStaleSpools(data, () => Promise.resolve(["running"]));
    expect(await left()).toEqual(["running"]);
  });

  it("are not taken for those of an evaluation that another process begins meanwhile", async () => {
    await make("ended");
    await removeStaleSpools(data, async () => {
      await make("begun");
      return [];
    });
    expect(await left()).toEqual(["begun"]);
  });
});
