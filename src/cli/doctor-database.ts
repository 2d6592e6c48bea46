/** The doctor's check of the database. */
import { access, constants } from "node:fs/promises";
import path from "node:path";
import { describeDatabase, openCatalog, type Catalog } from "../catalog/index.js";
import { createLogger, type ResolvedOptions } from "../config/index.js";
import { finding, type Finding } from "./doctor-checks.js";

/** Thrown to take back what the write test wrote. */
class TakeBack extends Error {}

/** Whether the database opens, is up to date, can be written, and what is in it. Makes none where there is none. */
export function checkDatabase(options: ResolvedOptions): Promise<Finding> {
  return finding("database", async () => {
    const missing = await checkFile(options.databaseUrl);
    if (missing !== null) return missing;
    const catalog = await openCatalog(options, createLogger("silent"));
    try {
      await tryToWrite(catalog);
      const states = Object.entries(await catalog.jobs.countByState()).filter(([, count]) => count > 0);
      const indexes = await Promise.all(
        (await catalog.vectors.indexes()).map(
          async ({ id }) => `${await catalog.segments.count(id)} segments in index ${id}`,
        ),
      );
      const jobs = states.map(([state, count]) => `${count} jobs ${state.toLowerCase()}`);
      const contents = [...indexes, ...jobs].join(", ");
      return {
        status: "ok",
        text: `${describeDatabase(options.databaseUrl)}, can be written, up to date; ${contents === "" ? "empty" : contents}`,
      };
    } finally {
      await catalog.close();
    }
  });
}

/** What there is to say about a file that is not there yet; null when it is there, or the database is no file. */
async function checkFile(url: string): Promise<Omit<Finding, "subject"> | null> {
  if (!url.startsWith("file:")) return null;
  const file = url.slice("file:".length);
  if (await mayUse(file, constants.F_OK)) return null;
  const folder = await nearestFolder(path.dirname(file));
  return (await mayUse(folder, constants.W_OK))
    ? { status: "ok", text: `${file} is not there yet; it is made when it is needed` }
    : {
        status: "fail",
        text: `${folder} cannot be written`,
        advice: "Give this user the right to, or set EARSHOT_DATA_DIRECTORY.",
      };
}

/** Writes a video and rolls it back. */
async function tryToWrite(catalog: Catalog): Promise<void> {
  const video = {
    tenant: "doctor",
    externalId: null,
    title: null,
    metadata: null,
    sourceName: "doctor",
    source: { kind: "path", path: "/" },
  } as const;
  try {
    await catalog.transaction(async (tx) => {
      await catalog.videos.create(tx, video);
      throw new TakeBack();
    });
  } catch (error) {
    if (!(error instanceof TakeBack)) throw error;
  }
}

async function nearestFolder(folder: string): Promise<string> {
  const parent = path.dirname(folder);
  return parent === folder || (await mayUse(folder, constants.F_OK)) ? folder : nearestFolder(parent);
}

async function mayUse(file: string, mode: number): Promise<boolean> {
  return access(file, mode).then(
    () => true,
    () => false,
  );
}
