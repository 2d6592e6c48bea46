/** From what a client asks for to an order that can be carried out: everything that can be checked at once is. */
import { realpath } from "node:fs/promises";
import path from "node:path";
import type { EvaluationOrder, EvaluationSource } from "../catalog/index.js";
import { DatasetNotFoundError, InvalidEvaluationInputError, PackNotFoundError } from "../errors.js";
import { chooseExperts, readPackManifest, type ModelPack } from "../models/index.js";
import { describeDataset, type DatasetRequest } from "./datasets/index.js";
import { checkFields, type CheckedFields } from "./fields.js";
import type { EvaluationInput } from "./input.js";
import { resolveInRoots } from "./paths.js";

/** What an input is checked against. */
export interface OrderParts {
  /** The pack in use. */
  pack: ModelPack;
  /** Folders whose files may be read. */
  roots: readonly string[];
}

/**
 * Checks an input and completes it with the defaults.
 *
 * @throws InvalidEvaluationInputError, EvaluationPathOutsideRootsError, DatasetNotFoundError, DatasetInvalidError,
 *   DatasetSplitNotFoundError, ExpertUnknownError, PackNotFoundError, PackManifestInvalidError, PackFormatUnsupportedError
 */
export async function checkOrder(input: EvaluationInput, parts: OrderParts): Promise<EvaluationOrder> {
  const fields = checkFields(input);
  const { dataset, split, directions, clipScoring, seed, series, notes } = fields;
  const packPath = fields.modelPack === null ? null : await findPack(fields.modelPack, parts);
  const kind = fields.source.kind;
  if (kind === "index" && packPath !== null) {
    throw new InvalidEvaluationInputError(
      `The index is made with the model pack in use, ${parts.pack.id}. Leave "modelPack" out, or evaluate features or media.`,
      { field: "modelPack" },
    );
  }
  const experts = await checkExperts(fields.experts, packPath, parts.pack);
  if (kind === "index" && experts !== null) {
    throw new InvalidEvaluationInputError(
      'The vectors of the index are made with all experts. Leave "experts" out, or evaluate features or media.',
      { field: "experts" },
    );
  }
  const source = await findSource(fields, parts.roots);
  // A wrong folder or split is told at once.
  await describeDataset(datasetOf({ dataset, split, source }));
  return { dataset, split, source, packPath, experts, directions, clipScoring, seed, series, notes };
}

/** Null where it is the pack in use. */
async function findPack(given: string, { pack, roots }: OrderParts): Promise<string | null> {
  if (given === pack.id || given === path.basename(pack.directory)) return null;
  const found = await resolveInRoots(given, roots, "modelPack", () => {
    return new PackNotFoundError("There is no model pack of that name. Give the folder of one.", {
      field: "modelPack",
      detail: given,
    });
  });
  return found === (await realpath(pack.directory)) ? null : found;
}

/** Null where all experts of the pack take part. */
async function checkExperts(
  given: readonly string[] | null,
  packPath: string | null,
  inUse: ModelPack,
): Promise<string[] | null> {
  const manifest = packPath === null ? inUse.manifest : await readPackManifest(packPath);
  const chosen = chooseExperts(manifest, given);
  return chosen.length === manifest.experts.length ? null : chosen;
}

async function findSource({ source, captions }: CheckedFields, roots: readonly string[]): Promise<EvaluationSource> {
  const missing = (given: string, field: string) => () =>
    new DatasetNotFoundError("There is no such folder.", { field, detail: given });
  const resolve = (given: string, field: string) => resolveInRoots(given, roots, field, missing(given, field));
  const captionsPath = captions === null ? null : await resolve(captions, "captions");
  if (source.kind !== "index") {
    const { kind } = source;
    return { kind, path: await resolve(source.path, `source.${kind}`), captions: captionsPath };
  }
  if (captionsPath === null) {
    throw new InvalidEvaluationInputError(
      'The index holds no captions: name the folder or file of a data set with "captions".',
      { field: "captions" },
    );
  }
  return { kind: "index", captions: captionsPath };
}

/** Which data set an order is about. */
export function datasetOf({
  dataset,
  split,
  source,
}: Pick<EvaluationOrder, "dataset" | "split" | "source">): DatasetRequest {
  if (source.kind === "index") return { benchmark: dataset, captions: source.captions, split };
  const { kind, path: folder, captions } = source;
  return { benchmark: dataset, captions: captions ?? folder, features: kind === "features" ? folder : null, split };
}
