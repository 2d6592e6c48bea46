/** What no database of ours keeps as it is: PostgreSQL's texts end at a NUL character, and half a surrogate pair is no UTF-8. */
const UNSTORABLE = /[\u{0}\p{Surrogate}]/gu;

/** Whether a text, or every text and key in a JSON value, can be stored as it is. */
export function isStorableText(value: unknown): boolean {
  if (typeof value === "string") return value.search(UNSTORABLE) < 0;
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([key, inner]) => isStorableText(key) && isStorableText(inner));
}

/** The text with what cannot be stored replaced by U+FFFD, the sign for what cannot be read. */
export function storableText(text: string): string {
  return text.replace(UNSTORABLE, "\uFFFD");
}

/** JSON text of a value, its texts storable. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "string" ? storableText(inner) : inner));
}
