import { ExpertUnknownError } from "../errors.js";
import type { PackManifest } from "./manifest.js";

/**
 * Names of the experts that are to take part, in manifest order.
 *
 * @param names null or undefined: all of the pack
 * @throws ExpertUnknownError the pack has no expert of a name
 */
export function chooseExperts(manifest: PackManifest, names?: readonly string[] | null): string[] {
  const known = manifest.experts.map(({ name }) => name);
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new ExpertUnknownError(
      `The model pack ${manifest.name}@${manifest.version} has no expert "${unknown}". It has ${known.join(", ")}.`,
      { field: "experts" },
    );
  }
  return known.filter((name) => names?.includes(name) ?? true);
}
