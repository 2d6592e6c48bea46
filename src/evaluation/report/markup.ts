/** Writing HTML in which no text can become markup by accident. */

/** Text that is markup already; everything else is escaped. */
export class Markup {
  constructor(readonly text: string) {}
}

/** What may stand in a template; null and undefined stand for nothing. */
type Part = Markup | string | number | null | undefined | readonly Part[];

/** Tag of templates: the literal parts are markup, the values are escaped unless they are {@link Markup}. */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(literals.reduce((text, literal, place) => text + written(parts[place - 1]) + literal));
}

function written(part: Part): string {
  if (part === null || part === undefined) return "";
  if (part instanceof Markup) return part.text;
  if (typeof part === "object") return part.map(written).join("");
  return escaped(String(part));
}

const REFERENCES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Control characters, and those that turn the direction of what follows, have no place on a page. */
const UNWANTED = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

function escaped(text: string): string {
  return text.replace(UNWANTED, " ").replace(/[&<>"']/g, (character) => REFERENCES[character]!);
}
