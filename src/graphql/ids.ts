/**
 * Relay's global ids: opaque strings which carry the type and the id in the catalog.
 * Clients must not take them apart; only their equality means something.
 */
import { InvalidIdError } from "../errors.js";

/** Types which `node(id)` can load. */
export type NodeTypeName = "Video" | "IngestJob" | "Evaluation" | "Reindex";

const NODE_TYPES: readonly string[] = ["Video", "IngestJob", "Evaluation", "Reindex"] satisfies NodeTypeName[];

/** Writes a global id. */
export function toGlobalId(type: NodeTypeName, id: string): string {
  return Buffer.from(`${type}:${id}`, "utf8").toString("base64url");
}

/**
 * Reads a global id.
 *
 * @param field The argument or input field that held the id; it is named in the error.
 * @throws InvalidIdError when it was not given out by Earshot.
 */
export function parseGlobalId(globalId: string, field = "id"): { type: NodeTypeName; id: string } {
  const text = Buffer.from(globalId, "base64url").toString("utf8");
  const colon = text.indexOf(":");
  const type = text.slice(0, colon);
  const id = text.slice(colon + 1);
  if (colon < 1 || id === "" || !NODE_TYPES.includes(type) || toGlobalId(type as NodeTypeName, id) !== globalId) {
    throw new InvalidIdError("The id was not given out by Earshot. Use the value of an `id` field as it is.", {
      field,
    });
  }
  return { type: type as NodeTypeName, id };
}

/**
 * Reads a global id of one type.
 *
 * @param field The argument or input field that held the id; it is named in the error.
 * @throws InvalidIdError when the id is not one of that type.
 */
export function localId(type: NodeTypeName, globalId: string, field: string): string {
  const parsed = parseGlobalId(globalId, field);
  if (parsed.type !== type) {
    throw new InvalidIdError(`The id is one of type ${parsed.type}; ${field} needs one of type ${type}.`, { field });
  }
  return parsed.id;
}
