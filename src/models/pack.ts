import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import {
  PackFileAlteredError,
  PackFileMissingError,
  PackFormatUnsupportedError,
  PackManifestInvalidError,
  PackNotFoundError,
} from "../errors.js";
import {
  externalDataFile,
  graphFiles,
  packManifestSchema,
  SUPPORTED_FORMAT_VERSION,
  type PackManifest,
} from "./manifest.js";

/** A model pack whose manifest is valid and whose files are the ones the manifest names. */
export interface ModelPack {
  manifest: PackManifest;
  /** Absolute path of the folder that holds `manifest.json`. */
  directory: string;
  /** `name@version`; also the id of the index made with it. */
  id: string;
}

const MANIFEST_FILE = "manifest.json";

/**
 * Reads a model pack: checks the manifest, then the size and SHA-256 of every file it names.
 *
 * @throws PackNotFoundError no folder, or no manifest in it
 * @throws PackFormatUnsupportedError the manifest has another format version
 * @throws PackManifestInvalidError not JSON, a field is wrong, a file lies outside the pack, or weights beside a graph
 *   are not listed
 * @throws PackFileMissingError a file the manifest names is not there
 * @throws PackFileAlteredError a file is not the one the manifest describes
 */
export async function loadModelPack(directory: string): Promise<ModelPack> {
  const root = path.resolve(directory);
  const manifest = await readPackManifest(root);
  const realRoot = await realpath(root);
  for (const [name, expected] of Object.entries(manifest.files)) await checkFile(realRoot, name, expected);
  for (const graph of graphFiles(manifest)) await checkExternalData(realRoot, graph, manifest);
  return { manifest, directory: root, id: `${manifest.name}@${manifest.version}` };
}

/**
 * Reads what a model pack is, without a look at its other files.
 *
 * @throws PackNotFoundError, PackFormatUnsupportedError, PackManifestInvalidError as {@link loadModelPack}
 */
export async function readPackManifest(directory: string): Promise<PackManifest> {
  const root = path.resolve(directory);
  return parseManifest(await readManifest(root), root);
}

/** Absolute path of one of the pack's files. */
export function packFile(pack: Pick<ModelPack, "directory">, name: string): string {
  return path.join(pack.directory, name);
}

async function readManifest(root: string): Promise<string> {
  try {
    return await readFile(path.join(root, MANIFEST_FILE), "utf8");
  } catch (cause) {
    throw new PackNotFoundError(
      `The model pack "${path.basename(root)}" cannot be read: its folder has no readable ${MANIFEST_FILE}. ` +
        "Check the option modelPack.",
      { detail: root, cause },
    );
  }
}

function parseManifest(text: string, root: string): PackManifest {
  const packName = path.basename(root);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new PackManifestInvalidError(`${MANIFEST_FILE} of the model pack "${packName}" is not valid JSON.`, {
      detail: root,
      cause,
    });
  }
  const version = (json as { formatVersion?: unknown } | null)?.formatVersion;
  if (version !== undefined && version !== SUPPORTED_FORMAT_VERSION) {
    throw new PackFormatUnsupportedError(
      `The model pack "${packName}" has format version ${JSON.stringify(version)}; this version of Earshot reads ` +
        `format version ${SUPPORTED_FORMAT_VERSION}. Update Earshot or export the pack again.`,
      { detail: root },
    );
  }
  const result = packManifestSchema.safeParse(json);
  if (!result.success) {
    throw new PackManifestInvalidError(
      `${MANIFEST_FILE} of the model pack "${packName}" is invalid:\n${z.prettifyError(result.error)}`,
      { detail: root },
    );
  }
  return result.data;
}

async function checkFile(realRoot: string, name: string, expected: { sha256: string; bytes: number }): Promise<void> {
  let file: string;
  let size: number;
  try {
    file = await realpath(path.join(realRoot, name));
    const found = await stat(file);
    if (!found.isFile()) throw new Error("not a regular file");
    size = found.size;
  } catch (cause) {
    throw new PackFileMissingError(`The model pack "${path.basename(realRoot)}" lacks its file "${name}".`, {
      detail: realRoot,
      cause,
    });
  }
  // The manifest's own check is on the spelling only; a symbolic link could still lead out of the pack.
  if (!file.startsWith(realRoot + path.sep)) {
    throw new PackManifestInvalidError(
      `The file "${name}" of the model pack "${path.basename(realRoot)}" is a link that leads out of the pack.`,
      { detail: file },
    );
  }
  if (size !== expected.bytes) throw altered(realRoot, name, `${expected.bytes} bytes`, `${size} bytes`);
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  const sha256 = hash.digest("hex");
  if (sha256 !== expected.sha256) throw altered(realRoot, name, `sha256 ${expected.sha256}`, `sha256 ${sha256}`);
}

/** ONNX Runtime would read the file without the manifest, and so without a check of its bytes. */
async function checkExternalData(realRoot: string, graph: string, { files }: PackManifest): Promise<void> {
  const name = externalDataFile(graph);
  if (Object.hasOwn(files, name)) return;
  const there = await access(path.join(realRoot, name)).then(
    () => true,
    () => false,
  );
  if (there)
    throw new PackManifestInvalidError(
      `The model pack "${path.basename(realRoot)}" holds "${name}", the weights of "${graph}", but its manifest does not ` +
        'list it in "files". Export the pack again.',
      { detail: realRoot },
    );
}

function altered(realRoot: string, name: string, expected: string, found: string): PackFileAlteredError {
  return new PackFileAlteredError(
    `The file "${name}" of the model pack "${path.basename(realRoot)}" is not the one its manifest describes: ` +
      `expected ${expected}, found ${found}. Fetch or export the pack again.`,
    { detail: realRoot },
  );
}
