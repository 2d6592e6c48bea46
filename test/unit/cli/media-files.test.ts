import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collectMediaFiles } from "../../../src/cli/media-files.js";

describe("collectMediaFiles", () => {
  let root: string;

  beforeAll(async () => {
    root = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-files-")));
    await mkdir(path.join(root, "films", "deep", ".hidden"), { recursive: true });
    await mkdir(path.join(root, "empty"));
    for (const name of ["b.mp4", "a.MKV", "notes.txt", ".c.mp4", "deep/d.ogg", "deep/.hidden/e.mp4"]) {
      await writeFile(path.join(root, "films", name), "");
    }
    await writeFile(path.join(root, "odd.bin"), "");
    await mkdir(path.join(root, "other"));
    await writeFile(path.join(root, "other", "odd.bin"), "");
    await symlink(path.join(root, "films"), path.join(root, "films", "deep", "circle"));
  });

  afterAll(async () => rm(root, { recursive: true }));

  it("takes the media files of a folder and its folders, in order, and nothing hidden or linked", async () => {
    const { files, unusable } = await collectMediaFiles([path.join(root, "films")], "");
    expect(files.map(({ externalId }) => externalId)).toEqual(["films/a.MKV", "films/b.mp4", "films/deep/d.ogg"]);
    expect(files.map(({ title }) => title)).toEqual(["a", "b", "d"]);
    expect(unusable).toEqual([]);
  });

  it("takes a file that is named itself, whatever its name", async () => {
    const { files } = await collectMediaFiles([path.join(root, "odd.bin")], "test/");
    expect(files).toEqual([{ path: path.join(root, "odd.bin"), externalId: "test/odd.bin", title: "odd" }]);
  });

  it("tells of paths that are not there and of folders without media", async () => {
    const { files, unusable } = await collectMediaFiles([path.join(root, "nothing"), path.join(root, "empty")], "");
    expect(files).toEqual([]);
    expect(unusable.map(({ reason }) => reason)).toEqual([
      "There is no such file or folder.",
      "The folder holds no media files.",
    ]);
  });

  it("takes a file once, however often it is named", async () => {
    const file = path.join(root, "odd.bin");
    expect((await collectMediaFiles([file, file], "")).files).toHaveLength(1);
  });

  it("never gives two files the same external id", async () => {
    const paths = [path.join(root, "odd.bin"), path.join(root, "other", "odd.bin")];
    const { files, unusable } = await collectMediaFiles(paths, "");
    expect(files).toHaveLength(1);
    expect(unusable).toEqual([expect.objectContaining({ path: paths[1] })]);
  });
});
