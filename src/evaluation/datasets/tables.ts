import { CsvError, parse } from "csv-parse";
import { Readable } from "node:stream";
import { DatasetInvalidError } from "../../errors.js";
import type { DatasetFolder } from "./dataset-folder.js";

/** Characters handed to the parser at once: a few milliseconds of work. */
const PIECE = 1 << 16;

/** A row of a table, by the names of the columns. */
export interface TableRow {
  /** Of its last line in the file, from 1. */
  line: number;
  cells: Readonly<Record<string, string>>;
}

/**
 * A CSV file with a header. Cells are trimmed; rows without any character do not count.
 *
 * @throws DatasetInvalidError a column is missing, or a row has another number of cells than the header
 */
export async function readTable<Column extends string>(
  folder: DatasetFolder,
  name: string,
  columns: readonly Column[],
): Promise<(TableRow & { cells: Readonly<Record<Column, string>> })[]> {
  const rows: (TableRow & { cells: Readonly<Record<Column, string>> })[] = [];
  let header: string[] | null = null;
  let line = 0;
  try {
    for await (const record of records(await folder.text(name))) {
      line += 1 + lineEnds(record);
      if (record.length === 1 && record[0] === "") continue;
      const cells = record.map((cell) => cell.trim());
      if (header === null) {
        header = checkedHeader(cells, columns, name);
        continue;
      }
      if (cells.length !== header.length) {
        throw new DatasetInvalidError(
          `${name}, line ${line}: expected ${header.length} cells, as the header has; there are ${cells.length}.`,
        );
      }
      const named = header.map((column, place) => [column, cells[place]!]);
      rows.push({ line, cells: Object.fromEntries(named) as Record<Column, string> });
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const reason = error.code === "CSV_QUOTE_NOT_CLOSED" ? "a quotation mark is never closed" : error.message;
    throw new DatasetInvalidError(`${name}, line ${String(error["lines"])}: no CSV: ${reason}.`, { cause: error });
  }
  if (header === null) throw new DatasetInvalidError(`${name} is empty: expected the columns ${columns.join(", ")}.`);
  return rows;
}

function records(text: string): AsyncIterable<string[]> {
  // Cut into pieces, so that other work has its turn while a large file is parsed.
  const pieces = Array.from({ length: Math.ceil(text.length / PIECE) }, (_, n) =>
    text.slice(n * PIECE, (n + 1) * PIECE),
  );
  // Lines and cells are counted here: the parser's own count takes three times as long.
  const parser = parse({ relax_column_count: true, relax_quotes: true });
  return Readable.from(pieces).pipe(parser);
}

/** Line ends in quoted cells. */
function lineEnds(record: readonly string[]): number {
  let count = 0;
  for (const cell of record) for (let at = cell.indexOf("\n"); at >= 0; at = cell.indexOf("\n", at + 1)) count += 1;
  return count;
}

function checkedHeader(cells: string[], columns: readonly string[], name: string): string[] {
  const lacking = columns.filter((column) => !cells.includes(column));
  if (lacking.length === 0) return cells;
  throw new DatasetInvalidError(
    `${name}, line 1: expected the columns ${columns.join(", ")}; ${lacking.join(", ")} is not among ` +
      `"${cells.join(",").slice(0, 120)}".`,
  );
}

/**
 * A number of seconds in a cell.
 *
 * @throws DatasetInvalidError it is none, or negative
 */
export function seconds(text: string, where: string): number {
  const value = /^\+?[\d.]/.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(value))
    throw new DatasetInvalidError(`${where}: expected seconds, found "${text.slice(0, 40)}".`);
  return value;
}
