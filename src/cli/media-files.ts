/** Finds the media files which a person named, by file or by folder. */
import { readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { MEDIA_FILE_NAME } from "../media/index.js";

/** A file to ingest. */
export interface MediaFile {
  /** Absolute path, symbolic links resolved. */
  path: string;
  /**
   * External id: the path from the folder that was named, that folder's name included, with forward
   * slashes. So the same call twice replaces the videos instead of doubling them, from wherever it
   * is made.
   */
  externalId: string;
  /** The file name without its extension. */
  title: string;
}

/** A path that cannot be taken. */
export interface UnusablePath {
  path: string;
  reason: string;
}

/**
 * Collects files in order of their paths. Folders are searched to the bottom; hidden entries and
 * symbolic links in them are passed over.
 *
 * @param prefix Put before every external id.
 */
export async function collectMediaFiles(
  paths: readonly string[],
  prefix: string,
): Promise<{ files: MediaFile[]; unusable: UnusablePath[] }> {
  const files = new Map<string, MediaFile>();
  const unusable: UnusablePath[] = [];
  const add = (file: string, name: string): void => {
    const externalId = prefix + name.split(path.sep).join("/");
    files.set(file, { path: file, externalId, title: path.basename(file, path.extname(file)) });
  };
  for (const given of paths) {
    try {
      const real = await realpath(given);
      if ((await stat(real)).isDirectory()) {
        const inside = await mediaFilesBelow(real);
        if (inside.length === 0) unusable.push({ path: given, reason: "The folder holds no media files." });
        for (const file of inside) add(file, path.join(path.basename(real), path.relative(real, file)));
      } else {
        add(real, path.basename(real));
      }
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      unusable.push({
        path: given,
        reason: code === "ENOENT" ? "There is no such file or folder." : `It cannot be read (${code}).`,
      });
    }
  }
  return { files: [...files.values()].filter(uniqueId(unusable)), unusable };
}

async function mediaFilesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const found: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const below = path.join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await mediaFilesBelow(below)));
    else if (entry.isFile() && MEDIA_FILE_NAME.test(entry.name)) found.push(below);
  }
  return found;
}

/** Lets the first file of each external id through; two files must never replace each other. */
function uniqueId(unusable: UnusablePath[]): (file: MediaFile) => boolean {
  const taken = new Set<string>();
  return (file) => {
    if (!taken.has(file.externalId)) {
      taken.add(file.externalId);
      return true;
    }
    unusable.push({
      path: file.path,
      reason: `Another file of this call has the external id "${file.externalId}", too. Ingest it apart, with --id-prefix.`,
    });
    return false;
  };
}
