import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkDatabase } from "../../../src/cli/doctor-database.js";
import { openCatalog } from "../../../src/catalog/index.js";
import { resolveOptions } from "../../../src/config/index.js";
import { addJob, addVideo } from "../../fixtures/catalog.js";
import { databaseOf, removeDatabaseOf } from "../../fixtures/database.js";
import { silentLogger } from "../../fixtures/tools.js";

let folder: string;
let databaseUrl: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "earshot-doctor-"));
  databaseUrl = await databaseOf(folder);
});
afterEach(async () => {
  await removeDatabaseOf(folder);
  await rm(folder, { recursive: true });
});

const check = (url: string) => checkDatabase(resolveOptions({ dataDirectory: folder, databaseUrl: url }));

describe("the doctor's look at a PostgreSQL database", () => {
  it("tells where it is, that it can be written, and what is in it, without the password", async () => {
    const catalog = await openCatalog({ databaseUrl }, silentLogger);
    await addJob(catalog, await addVideo(catalog));
    await catalog.close();
    const { status, text } = await check(databaseUrl);
    expect(status).toBe("ok");
    expect(text).toMatch(/^postgresql:\/\/[^:@/]+@[^@]+, can be written, up to date; 1 jobs pending$/);
    expect(text).not.toContain(new URL(databaseUrl).password);
  });

  it("says what is wrong with one that cannot be opened", async () => {
    const url = new URL(databaseUrl);
    url.pathname = "/nobody_made_it";
    const finding = await check(url.href);
    expect(finding).toMatchObject({ status: "fail", text: expect.stringMatching(/does not exist/) as string });
    expect(JSON.stringify(finding)).not.toContain(url.password);
  });
});
