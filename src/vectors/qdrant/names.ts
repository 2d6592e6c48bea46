/** Between ids of indexes, `pack@version`, and names of collections, `earshot_pack_version`. */

/** What stands in a collection's name as it is. Of the rest, Qdrant forbids some, and "_" separates. */
const PLAIN = /^[A-Za-z0-9.+-]$/;

/** The name of an index's collection. */
export function collectionName(prefix: string, indexId: string): string {
  const [pack = "", ...version] = indexId.split("@");
  return `${prefix}_${escaped(pack)}_${escaped(version.join("@"))}`;
}

/** The id of a collection's index; undefined when the collection belongs to another deployment or program. */
export function indexIdOf(prefix: string, collection: string): string | undefined {
  if (!collection.startsWith(`${prefix}_`)) return undefined;
  const parts = collection.slice(prefix.length + 1).split("_");
  const [pack, version] = parts.map(unescaped);
  if (parts.length !== 2 || pack === undefined || version === undefined) return undefined;
  const id = version === "" ? pack : `${pack}@${version}`;
  // Only what this file itself would have written.
  return collectionName(prefix, id) === collection ? id : undefined;
}

/** Other characters as "~" and the two digits of each of their bytes. */
function escaped(text: string): string {
  const bytes = (character: string) => [...Buffer.from(character)];
  const hex = (byte: number) => `~${byte.toString(16).padStart(2, "0")}`;
  return [...text]
    .map((character) => (PLAIN.test(character) ? character : bytes(character).map(hex).join("")))
    .join("");
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("~", "%"));
  } catch {
    return undefined;
  }
}
