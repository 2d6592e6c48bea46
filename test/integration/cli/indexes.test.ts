import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand, type Ran } from "../../fixtures/command-line.js";
import { TEST_PACK, TEST_PACK_WORD } from "../../fixtures/earshot.js";
import { writeWav } from "../../fixtures/media-files.js";
import { addPackVersion } from "../../fixtures/pack-versions.js";
import { SAMPLE_RATE, tone } from "../../fixtures/sounds.js";

const OLD = "tiny@1.0.0";
const NEW = "tiny@2.0.0";

/** The commands for indexes, in the order in which a person would use them. */
describe("earshot reindex and earshot indexes", () => {
  let folder: string;
  const sound = (name: string): string => path.join(folder, "sounds", `${name}.wav`);
  const earshot = (...args: string[]): Promise<Ran> =>
    runCommand([...args, "--data-dir", path.join(folder, "data"), "--model-pack", TEST_PACK], {
      EARSHOT_MODEL_PACK_ROOTS: path.join(folder, "packs"),
    });
  /** Index that a search used, and the videos that it found. */
  const search = async () => {
    const { index, videos } = JSON.parse((await earshot("search", TEST_PACK_WORD, "--json")).out.join("\n"));
    return { index, videos: videos.map((video: { title: string }) => video.title).sort() };
  };

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-indexes-")));
    await addPackVersion(path.join(folder, "packs"), "2.0.0");
    for (const name of ["bell", "horn"]) await writeWav(sound(name), tone(2000, 4 * SAMPLE_RATE));
    expect((await earshot("ingest", path.join(folder, "sounds"))).code).toBe(0);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("say how to begin when nothing goes on, and which packs there are", async () => {
    await expect(earshot("reindex")).rejects.toMatchObject({
      code: "REINDEX_NOT_FOUND",
      message: expect.stringContaining("earshot reindex --pack"),
    });
    await expect(earshot("reindex", "--swap")).rejects.toMatchObject({ code: "REINDEX_NOT_FOUND" });
    await expect(earshot("reindex", "--pack", "tiny@9.0.0")).rejects.toMatchObject({
      code: "PACK_NOT_FOUND",
      message: expect.stringContaining(`${OLD}, ${NEW}`),
    });
    await expect(earshot("reindex", "--pack", OLD)).rejects.toMatchObject({ code: "REINDEX_NOT_NEEDED" });
  });

  it("name the videos that cannot be indexed, exit with 1, and try them again when told to", async () => {
    await rm(sound("horn"));
    const first = await earshot("reindex", "--pack", NEW);
    expect(first.code).toBe(1);
    expect(first.complaints).toContainEqual(expect.stringMatching(/^✗ sounds\/horn\.wav .*\(SOURCE_NOT_FOUND\)$/));
    await expect(earshot("reindex", "--swap")).rejects.toMatchObject({ code: "REINDEX_INCOMPLETE" });
    expect((await earshot("reindex", "--pause")).out).toEqual([`The re-index to ${NEW} is paused.`]);
    expect((await search()).index).toBe(OLD);
    await writeWav(sound("horn"), tone(2000, 4 * SAMPLE_RATE));
    const second = await earshot("reindex", "--resume");
    expect(second.code).toBe(0);
    expect(second.out).toEqual([expect.stringContaining(`Searches use the index ${NEW} now.`)]);
    expect(await search()).toEqual({ index: NEW, videos: ["bell", "horn"] });
  });

  it("list the indexes with their videos, and remove one that is not in use", async () => {
    const { out } = await earshot("indexes");
    expect(out).toContainEqual(expect.stringMatching(/^tiny@1\.0\.0 +2 +\d+ +\d+ *$/));
    expect(out).toContainEqual(expect.stringMatching(/^tiny@2\.0\.0 +2 +\d+ +\d+ +in use$/));
    await expect(earshot("indexes", "drop", NEW)).rejects.toMatchObject({ code: "INDEX_IN_USE" });
    expect((await earshot("indexes", "drop", OLD)).out).toEqual([`The index ${OLD} is gone.`]);
    expect((await earshot("indexes")).out.join("\n")).not.toContain(OLD);
    expect(await search()).toEqual({ index: NEW, videos: ["bell", "horn"] });
  });

  it("leave the change to later, or give it up, when told to", async () => {
    const built = await earshot("reindex", "--pack", TEST_PACK, "--no-swap");
    expect(built.out).toEqual([`The index ${OLD} is complete. Change over with: earshot reindex --swap`]);
    expect((await search()).index).toBe(NEW);
    expect((await earshot("reindex", "--cancel")).out).toEqual([`The re-index to ${OLD} is cancelled.`]);
    await earshot("reindex", "--pack", TEST_PACK, "--no-swap");
    expect((await earshot("reindex", "--swap")).code).toBe(0);
    expect(await search()).toEqual({ index: OLD, videos: ["bell", "horn"] });
  });
});
