import { mkdir, symlink } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { resolveMedia, type DatasetClip, type MediaName } from "../../../../src/evaluation/datasets/index.js";
import { folderOf } from "../../../fixtures/dataset-files.js";

const clip = (id: string, ...media: MediaName[]): DatasetClip => ({ id, captions: [], media, row: -1 });
const named = (name: string, exact = false): MediaName => ({ name, exact, startSeconds: null, endSeconds: null });

/** Where the media of some clips are, below the folder. */
async function resolve(folder: string, ...clips: DatasetClip[]): Promise<(string | null)[]> {
  const found = await resolveMedia({ clips }, folder);
  return found.map((media) => media && path.relative(folder, media.file));
}

describe("the media of clips", () => {
  it("are found by the file's name whatever its suffix, in folders below too, or by an exact path", async () => {
    const folder = await folderOf({ "a.wav": "", "deep/er/b.MKV": "", "deep/c.ogg": "", "d.txt": "", "e.f.mp4": "" });
    expect(
      await resolve(
        folder,
        clip("a"),
        clip("b"),
        clip("x", named("nothing"), named("c")),
        clip("y", named("deep/c.ogg", true)),
        clip("z", named("c.ogg", true)),
        clip("d"),
        clip("d", named("d.txt", true)),
        clip("e.f"),
        clip("e"),
      ),
    ).toEqual(["a.wav", "deep/er/b.MKV", "deep/c.ogg", "deep/c.ogg", null, null, "d.txt", "e.f.mp4", null]);
  });

  it("keep the part of the file which the name that was found says", async () => {
    const folder = await folderOf({ "video.mp4": "" });
    const [found] = await resolveMedia(
      { clips: [clip("v_5000", named("v_5000"), { name: "video", exact: false, startSeconds: 5, endSeconds: 15 })] },
      folder,
    );
    expect(found).toEqual({ file: path.join(folder, "video.mp4"), startSeconds: 5, endSeconds: 15 });
  });

  it("are the same each time of several that fit: a folder's own before those below it, by name", async () => {
    const folder = await folderOf({ "b/a.wav": "", "a/a.wav": "", "c.ogg": "", "c.flac": "", "a/c.aac": "" });
    expect(await resolve(folder, clip("a"), clip("c"))).toEqual(["a/a.wav", "c.flac"]);
  });

  it("may have odd names: accents in either form, spaces, dashes in front, quotes", async () => {
    const names = ["e\u0301te\u0301", "\u00e0 la  mer ", "--0w1YA1Hm4", 'it\'s "loud"', "雨"];
    const folder = await folderOf(Object.fromEntries(names.map((name) => [`${name}.wav`, ""])));
    const clips = ["\u00e9t\u00e9", "a\u0300 la mer", "--0w1YA1Hm4", 'it\'s "loud"', "雨"].map((id) => clip(id));
    expect(await resolve(folder, ...clips)).toEqual(names.map((name) => `${name}.wav`));
    expect(await resolve(folder, clip("x", named("\u00e9t\u00e9.wav", true)))).toEqual([`${names[0]!}.wav`]);
  });

  it("are never outside the folder, hidden, or behind a linked folder", async () => {
    const outside = await folderOf({ "secret.wav": "", "all/other.wav": "" });
    const folder = await folderOf({ "inside.wav": "", ".hidden.wav": "", ".cache/cached.wav": "" });
    await symlink(path.join(outside, "secret.wav"), path.join(folder, "secret.wav"));
    await symlink(path.join(outside, "all"), path.join(folder, "all"));
    await symlink(path.join(folder, "inside.wav"), path.join(folder, "alias.wav"));
    await symlink(path.join(folder, "nothing.wav"), path.join(folder, "broken.wav"));
    await mkdir(path.join(folder, "folder.wav"));
    await symlink(path.join(folder, "folder.wav"), path.join(folder, "linked.wav"));
    await symlink(folder, path.join(folder, "circle"));
    expect(
      await resolve(
        folder,
        ...["alias", "secret", "other", ".hidden", "cached", "broken", "folder", "linked"].map((id) => clip(id)),
        clip("a", named(path.join(outside, "secret.wav"), true)),
        clip("b", named(`../${path.basename(outside)}/secret.wav`, true)),
        clip("c", named("deep/../inside.wav", true)),
      ),
    ).toEqual(["inside.wav", null, null, null, null, null, null, null, null, null, "inside.wav"]);
  });

  it("need a folder", async () => {
    const folder = await folderOf({ "a.wav": "" });
    for (const place of [path.join(folder, "nothing"), path.join(folder, "a.wav")]) {
      await expect(resolveMedia({ clips: [] }, place)).rejects.toMatchObject({
        code: "DATASET_NOT_FOUND",
        message: `There is no readable media folder "${path.basename(place)}".`,
        detail: place,
      });
    }
  });
});
