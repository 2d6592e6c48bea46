/** How times, numbers and tables look on a terminal. */

/** A place in a video, e.g. `1:05.3`, with hours from an hour on. */
export function clock(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  const whole = Math.floor(tenths / 10);
  const pad = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = `${pad(whole % 60)}.${tenths % 10}`;
  return hours > 0 ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** A span of a video, e.g. `0:05.8-0:07.7`. */
export function span({ startSeconds, endSeconds }: { startSeconds: number; endSeconds: number }): string {
  return `${clock(startSeconds)}-${clock(endSeconds)}`;
}

/** A relevance, e.g. ` 87 %`. */
export function percent(relevance: number): string {
  return `${Math.round(relevance * 100)} %`.padStart(5);
}

/** One column of a table. */
export interface Column {
  header: string;
  /** Numbers go right, words left. */
  align?: "left" | "right";
  /** Cells with more characters are cut, so that a long title does not break the lines. @default 48 */
  widest?: number;
}

const WIDEST_CELL = 48;

/** Lines of a table: a header, a rule, and the rows. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map((cell, place) => shorten(cell, columns[place]?.widest)));
  const widths = columns.map(({ header }, place) =>
    Math.max(width(header), ...cells.map((row) => width(row[place] ?? ""))),
  );
  const line = (row: readonly string[]): string =>
    columns
      .map(({ align }, place) => {
        const cell = row[place] ?? "";
        const space = " ".repeat((widths[place] ?? 0) - width(cell));
        return align === "right" ? space + cell : cell + space;
      })
      .join("  ")
      .trimEnd();
  return [
    line(columns.map(({ header }) => header)),
    widths.map((size) => "─".repeat(size)).join("  "),
    ...cells.map(line),
  ];
}

/** A text without the characters that would command a terminal: names and captions come from files. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, " ");
}

function shorten(cell: string, widest = WIDEST_CELL): string {
  const characters = [...plain(cell)];
  return characters.length <= widest ? characters.join("") : `${characters.slice(0, widest - 1).join("")}…`;
}

function width(cell: string): number {
  return [...cell].length;
}
