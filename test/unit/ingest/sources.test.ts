import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSource, openSourceOfJob, resolveSource } from "../../../src/ingest/sources.js";

let folder: string;
let root: string;
let outside: string;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-sources-")));
  root = path.join(folder, "media");
  outside = path.join(folder, "media-other");
  await mkdir(path.join(root, "sub", "..odd"), { recursive: true });
  await mkdir(outside);
  await writeFile(path.join(root, "a.mp4"), "a");
  await writeFile(path.join(root, "sub", "..odd", "b.mp4"), "b");
  await writeFile(path.join(outside, "secret.mp4"), "s");
  await symlink(path.join(outside, "secret.mp4"), path.join(root, "link-out.mp4"));
  await symlink(path.join(root, "a.mp4"), path.join(root, "link-in.mp4"));
  await symlink(root, path.join(folder, "linked-root"));
});
afterAll(() => rm(folder, { recursive: true }));

const find = (given: string, roots = [root]) => resolveSource({ path: given }, roots);

describe("a source", () => {
  it("is the real path of a file inside a root", async () => {
    const a = { kind: "path", path: path.join(root, "a.mp4") };
    expect(await find(path.join(root, "a.mp4"))).toEqual(a);
    expect(await find(path.join(root, "sub", "..", "a.mp4"))).toEqual(a);
    expect(await find(path.join(root, "link-in.mp4"))).toEqual(a);
    expect(await find(path.join(folder, "linked-root", "a.mp4"), [path.join(folder, "linked-root")])).toEqual(a);
    expect((await find(path.join(root, "sub", "..odd", "b.mp4"))).path).toContain("..odd");
  });

  it("may be named relative to any of the roots", async () => {
    expect((await find("secret.mp4", [root, outside])).path).toBe(path.join(outside, "secret.mp4"));
  });

  it("outside the roots is refused, whether or not it is there", async () => {
    const paths = [
      "../media-other/secret.mp4",
      "../nothing.mp4",
      "link-out.mp4",
      "/etc/passwd",
      "/nothing/at/all",
      "a\0.mp4",
    ];
    for (const given of [...paths, path.join(outside, "secret.mp4"), path.join(outside, "nothing.mp4")]) {
      await expect(find(given)).rejects.toMatchObject({ code: "SOURCE_OUTSIDE_ROOTS", field: "source.path" });
    }
    await expect(find(path.join(root, "a.mp4"), [])).rejects.toMatchObject({ code: "SOURCE_OUTSIDE_ROOTS" });
  });

  it("that is not there, or not a file, is refused with a code of its own", async () => {
    await expect(find("nothing.mp4")).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
    await expect(find("sub")).rejects.toMatchObject({ code: "SOURCE_IS_DIRECTORY" });
    await expect(find(root)).rejects.toMatchObject({ code: "SOURCE_IS_DIRECTORY" });
  });

  it.skipIf(process.platform === "win32")("that is a pipe is refused without waiting for it", async () => {
    execFileSync("mkfifo", [path.join(root, "pipe.mp4")]);
    await expect(find("pipe.mp4")).rejects.toMatchObject({ code: "SOURCE_NOT_A_FILE" });
  });

  it.skipIf(process.getuid?.() === 0)("that may not be read is refused", async () => {
    await writeFile(path.join(root, "locked.mp4"), "x");
    await chmod(path.join(root, "locked.mp4"), 0o000);
    await expect(find("locked.mp4")).rejects.toMatchObject({ code: "SOURCE_NOT_READABLE" });
  });

  it("needs exactly one of path and URL, and a URL is refused", async () => {
    await expect(resolveSource({}, [root])).rejects.toMatchObject({ code: "ONE_ARGUMENT_NEEDED" });
    await expect(resolveSource({ path: "a.mp4", url: "http://x/" }, [root])).rejects.toMatchObject({
      code: "ONE_ARGUMENT_NEEDED",
    });
    await expect(resolveSource({ url: "https://x/a.mp4" }, [root])).rejects.toMatchObject({
      code: "SOURCE_URL_UNSUPPORTED",
    });
  });

  it("says nothing of the server's folders in a refusal", async () => {
    for (const given of ["nothing.mp4", "sub", "../media-other/secret.mp4"]) {
      const refusal = (await find(given).catch((error: unknown) => error)) as Error;
      expect(refusal.message).not.toContain(folder);
    }
  });

  it("that cannot be looked at for now is not taken for gone", async () => {
    const file = path.join(root, "unreachable.mp4");
    await symlink(file, file);
    const refused = openSource({ kind: "path", path: file });
    await expect(refused).rejects.toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
    await expect(openSource({ kind: "path", path: path.join(root, "a.mp4", "b.mp4") })).rejects.toMatchObject({
      code: "SOURCE_NOT_FOUND",
    });
  });

  it("of a job is gone only when its root is there", async () => {
    const linked = path.join(folder, "linked-mount");
    const mount = path.join(folder, "mount");
    await mkdir(mount);
    await symlink(mount, linked);
    const open = (...roots: string[]) =>
      openSourceOfJob({ kind: "path", path: path.join(mount, "a.mp4") }, roots).catch((error: unknown) => error);
    const away = { code: "MEDIA_ROOT_UNAVAILABLE", outage: true };
    expect(await open(root, mount)).toMatchObject(away);
    expect(await open(linked)).toMatchObject(away);
    expect(await open(root)).toMatchObject({ code: "SOURCE_NOT_FOUND" });
    await writeFile(path.join(mount, "b.mp4"), "b");
    expect(await open(mount)).toMatchObject({ code: "SOURCE_NOT_FOUND" });
    await writeFile(path.join(mount, "a.mp4"), "a");
    expect(await open(mount)).toMatchObject({ bytes: 1 });
    await rm(mount, { recursive: true });
    expect(await open(mount)).toMatchObject(away);
    expect(await open(linked)).toMatchObject({ ...away, message: expect.not.stringContaining(folder) as string });
  });

  it("is not followed when a link was put in its place after it was accepted", async () => {
    await writeFile(path.join(root, "swapped.mp4"), "x");
    const source = await find("swapped.mp4");
    expect((await openSource(source)).bytes).toBe(1);
    await rename(path.join(root, "swapped.mp4"), path.join(root, "moved.mp4"));
    await expect(openSource(source)).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
    await symlink(path.join(outside, "secret.mp4"), path.join(root, "swapped.mp4"));
    await expect(openSource(source)).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
  });
});
