import { readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { DatasetNotFoundError } from "../../errors.js";
import { MEDIA_FILE_NAME } from "../../media/index.js";
import type { EvaluationDataset, MediaName } from "./dataset.js";

/** The file of a clip, and the part of it that is the clip. */
export interface ResolvedMedia {
  /** Absolute path below the media folder, symbolic links resolved. */
  file: string;
  /** Seconds; null: from the start of the file. */
  startSeconds: number | null;
  /** Seconds; null: to the end of the file. */
  endSeconds: number | null;
}

/** A file as the walk found it: links are resolved when it is wanted. */
interface Found {
  /** Below the folder. */
  path: string;
  isLink: boolean;
}

/**
 * Finds the media of all clips in a folder and those below it, which are read once. In the order of the clips; null
 * where there is no file.
 *
 * A file is found by its path where the name is exact, else by its name without the suffix, which may be any of a media
 * file. Of several the first counts: a folder's own files before those below it, by name. Names are compared as they
 * are read, whatever the form of their accents (NFC or NFD), and then with single spaces. Hidden files, folders that are
 * symbolic links, and links that lead out of the folder are passed over.
 *
 * @throws DatasetNotFoundError there is no such folder
 */
export async function resolveMedia(
  dataset: Pick<EvaluationDataset, "clips">,
  folder: string,
): Promise<(ResolvedMedia | null)[]> {
  let root: string;
  try {
    root = await realpath(folder);
    await readdir(root);
  } catch (cause) {
    throw new DatasetNotFoundError(`There is no readable media folder "${path.basename(folder)}".`, {
      detail: folder,
      cause,
    });
  }
  const index = await indexOf(root);
  const resolved: (ResolvedMedia | null)[] = [];
  for (const { id, media } of dataset.clips) {
    const names = media.length > 0 ? media : [{ name: id, exact: false, startSeconds: null, endSeconds: null }];
    resolved.push(await firstThere(names, root, index));
  }
  return resolved;
}

interface MediaIndex {
  byPath: ReadonlyMap<string, Found>;
  byStem: ReadonlyMap<string, Found>;
  /** By the stem with single spaces. */
  byPlainStem: ReadonlyMap<string, Found>;
}

async function indexOf(root: string): Promise<MediaIndex> {
  const byPath = new Map<string, Found>();
  const byStem = new Map<string, Found>();
  const byPlainStem = new Map<string, Found>();
  for await (const found of filesBelow(root, "")) {
    byPath.set(found.path.normalize("NFC"), found);
    if (!MEDIA_FILE_NAME.test(found.path)) continue;
    const stem = path.parse(found.path).name.normalize("NFC");
    if (!byStem.has(stem)) byStem.set(stem, found);
    if (!byPlainStem.has(plain(stem))) byPlainStem.set(plain(stem), found);
  }
  return { byPath, byStem, byPlainStem };
}

/** A folder's own files by name, then those of the folders in it. */
async function* filesBelow(root: string, below: string): AsyncGenerator<Found> {
  const entries = await readdir(path.join(root, below), { withFileTypes: true }).catch(() => []);
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const shown = entries.filter(({ name }) => !name.startsWith("."));
  for (const entry of shown) {
    const isLink = entry.isSymbolicLink();
    if (entry.isFile() || isLink) yield { path: path.join(below, entry.name), isLink };
  }
  for (const entry of shown) if (entry.isDirectory()) yield* filesBelow(root, path.join(below, entry.name));
}

async function firstThere(names: readonly MediaName[], root: string, index: MediaIndex): Promise<ResolvedMedia | null> {
  for (const { name, exact, startSeconds, endSeconds } of names) {
    const wanted = name.normalize("NFC");
    const found = exact
      ? index.byPath.get(path.normalize(wanted))
      : (index.byStem.get(wanted) ?? index.byPlainStem.get(plain(wanted)));
    if (found === undefined) continue;
    const named = path.join(root, found.path);
    const file = found.isLink ? await fileInside(root, named) : named;
    if (file !== null) return { file, startSeconds, endSeconds };
  }
  return null;
}

/** Where a link leads; null where that is no file, or outside. */
async function fileInside(root: string, link: string): Promise<string | null> {
  const file = await realpath(link).catch(() => null);
  const inside = file?.startsWith(root.endsWith(path.sep) ? root : root + path.sep) ?? false;
  return file !== null && inside && (await stat(file)).isFile() ? file : null;
}

function plain(stem: string): string {
  return stem.trim().replace(/\s+/g, " ");
}
