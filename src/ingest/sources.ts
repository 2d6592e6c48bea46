import { constants } from "node:fs";
import { access, readdir, readlink, realpath, stat } from "node:fs/promises";
import path from "node:path";
import type { MediaSource } from "../catalog/index.js";
import {
  MediaRootUnavailableError,
  OneArgumentNeededError,
  SourceIsDirectoryError,
  SourceNotAFileError,
  SourceNotFoundError,
  SourceNotReadableError,
  SourceOutsideRootsError,
  SourceUnavailableError,
  SourceUrlUnsupportedError,
} from "../errors.js";
import { followInRoots, isInside } from "../media/index.js";

/** Where a video comes from: exactly one field is given. */
export interface SourceInput {
  /** Path inside a media root; a relative one is looked for in each root in turn. */
  path?: string | null;
  /** Refused by this version. */
  url?: string | null;
}

/** The input field that path errors are about. */
const field = "source.path";

/** What a file looked like, to notice changes. */
export interface FileState {
  bytes: number;
  modifiedMs: number;
  inode: number;
}

/** A file that may be ingested. */
export interface SourceFile extends FileState {
  /** Absolute path, symbolic links resolved. */
  path: string;
}

/**
 * Finds the media that an input names.
 *
 * @throws OneArgumentNeededError, SourceUrlUnsupportedError, SourceOutsideRootsError, SourceNotFoundError,
 *   SourceIsDirectoryError, SourceNotAFileError, SourceNotReadableError
 */
export async function resolveSource(input: SourceInput, mediaRoots: readonly string[]): Promise<MediaSource> {
  const { path: given, url } = input;
  if (typeof given === "string" && typeof url === "string") throw oneSourceNeeded();
  if (typeof url === "string") {
    throw new SourceUrlUnsupportedError("This version of Earshot does not fetch URLs. Give a path on the server.", {
      field: "source.url",
    });
  }
  if (typeof given !== "string") throw oneSourceNeeded();
  return { kind: "path", path: (await openInRoots(given, mediaRoots)).path };
}

/**
 * Checks that a path leads to a readable file inside a media root, with symbolic links resolved.
 *
 * @throws as {@link resolveSource}
 */
export async function openInRoots(given: string, mediaRoots: readonly string[]): Promise<SourceFile> {
  const found = await followInRoots(given, mediaRoots);
  // The same answer whether or not there is such a file: a client must not learn what lies outside.
  if (found === "outside") {
    throw new SourceOutsideRootsError(
      mediaRoots.length === 0
        ? "This server accepts no paths: no media root is configured."
        : "The path is not inside a media root of this server.",
      { field, detail: given },
    );
  }
  if (found === "missing") throw notFound(given);
  return inspect(found.real);
}

/**
 * Opens a source again that {@link resolveSource} accepted, perhaps in another process with other media roots. It has to
 * be at the very same place: a link that was put in its way since is not followed.
 *
 * @throws SourceNotFoundError, SourceUnavailableError, SourceIsDirectoryError, SourceNotAFileError, SourceNotReadableError
 */
export async function openSource(source: MediaSource): Promise<SourceFile> {
  const real = await realpath(source.path).catch((cause: unknown) => {
    if (isAbsence(cause)) return null;
    throw new SourceUnavailableError(
      "The file cannot be looked at. Check the disk or server that holds it, and the rights of its folders.",
      { field, detail: source.path, cause },
    );
  });
  if (real !== source.path) throw notFound(source.path);
  return inspect(real);
}

/**
 * Opens the source of a job as {@link openSource} does. A file that is away together with its whole media root says nothing
 * about the job: the root is not mounted here, or its server is down.
 *
 * @throws MediaRootUnavailableError, and as {@link openSource}
 */
export async function openSourceOfJob(source: MediaSource, mediaRoots: readonly string[]): Promise<SourceFile> {
  try {
    return await openSource(source);
  } catch (error) {
    if (error instanceof SourceNotFoundError || error instanceof SourceUnavailableError) {
      for (const root of mediaRoots) if (await isAwayWith(root, source.path)) throw rootUnavailable(root, error);
    }
    throw error;
  }
}

/** Whether a root is away, and the file would lie in it. */
async function isAwayWith(root: string, file: string): Promise<boolean> {
  // A link to where nothing is mounted cannot be resolved, only read.
  const target = await realpath(root).catch(() => readlink(root).catch(() => root));
  const places = [path.resolve(root), path.resolve(path.dirname(root), target)];
  if (!places.some((folder) => isInside(folder, file))) return false;
  return (await readdir(root).catch(() => [])).length === 0;
}

function rootUnavailable(root: string, cause: unknown): Error {
  return new MediaRootUnavailableError(
    "A media folder of this process is missing, unreadable or empty. Mount it, or correct mediaRoots (EARSHOT_MEDIA_ROOTS).",
    { detail: root, cause },
  );
}

function isAbsence(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/** Real path of a video's media file, when it can be read and lies inside a media root now; null otherwise. */
export async function mediaFileInRoots(
  { source }: { source: MediaSource },
  mediaRoots: readonly string[],
): Promise<string | null> {
  try {
    return (await openInRoots(source.path, mediaRoots)).path;
  } catch {
    return null;
  }
}

async function inspect(file: string): Promise<SourceFile> {
  const found = await stat(file);
  if (found.isDirectory()) throw new SourceIsDirectoryError("The path is that of a folder. Give a file.", { field });
  if (!found.isFile()) throw new SourceNotAFileError("The path is not that of a plain file.", { field });
  await access(file, constants.R_OK).catch((cause: unknown) => {
    throw new SourceNotReadableError("The server may not read the file.", { field, detail: file, cause });
  });
  return { path: file, bytes: found.size, modifiedMs: found.mtimeMs, inode: found.ino };
}

function notFound(file: string): Error {
  return new SourceNotFoundError("There is no such file.", { field, detail: file });
}

/** Whether two looks at a file saw the same content, as far as its entry in the file system tells. */
export function isUnchanged(before: FileState, after: FileState): boolean {
  return before.bytes === after.bytes && before.modifiedMs === after.modifiedMs && before.inode === after.inode;
}

function oneSourceNeeded(): Error {
  return new OneArgumentNeededError('Give exactly one of "path" and "url".', { field: "source" });
}
