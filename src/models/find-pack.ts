import { readdir } from "node:fs/promises";
import path from "node:path";
import { readPackManifest } from "./pack.js";

/** Where model packs lie. */
export interface PackPlaces {
  /** Folder of the pack that is used by default. */
  modelPack: string;
  /** Folders that hold further packs, each in a folder of its own. */
  modelPackRoots: readonly string[];
}

/** A model pack that was found, by its manifest alone: its other files are checked when it is opened. */
export interface FoundPack {
  /** `name@version`. */
  id: string;
  /** Absolute path. */
  directory: string;
}

/** All packs in these places, the default one first. Folders without a manifest that can be read are passed over. */
export async function listPacks({ modelPack, modelPackRoots }: PackPlaces): Promise<FoundPack[]> {
  const folders = [modelPack];
  for (const root of modelPackRoots) folders.push(root, ...(await subfolders(root)));
  const found = new Map<string, FoundPack>();
  for (const directory of folders) {
    const id = await readPackManifest(directory).then(
      ({ name, version }) => `${name}@${version}`,
      () => null,
    );
    if (id !== null && !found.has(id)) found.set(id, { id, directory });
  }
  return [...found.values()];
}

/** Folder of the pack `name@version`; null when there is none in these places. */
export async function findPack(id: string, places: PackPlaces): Promise<string | null> {
  return (await listPacks(places)).find((pack) => pack.id === id)?.directory ?? null;
}

async function subfolders(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map(({ name }) => path.join(root, name))
    .sort();
}
