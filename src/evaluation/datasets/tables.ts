import { CsvError, parse, type Info } from "csv-parse";
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
  try {
    for await (const { record, info } of records(await folder.text(name))) {
      const cells = record.map((cell) => cell.trim());
      if (header === null) {
        header = cells;
        const lacking = columns.filter((column) => !cells.includes(column));
        if (lacking.length === 0) continue;
        throw new DatasetInvalidError(
          `${name}, line 1: expected the columns ${columns.join(", ")}; ${lacking.join(", ")} is not among ` +
            `"${cells.join(",").slice(0, 120)}".`,
        );
      }
      rows.push({
        line: info.lines,
        cells: Object.fromEntries(header.map((column, place) => [column, cells[place]!])) as Record<Column, string>,
      });
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new DatasetInvalidError(`${name}, line ${String(error["lines"])}: ${reasonOf(error)}`, { cause: error });
  }
  if (header === null) throw new DatasetInvalidError(`${name} is empty: expected the columns ${columns.join(", ")}.`);
  return rows;
}

function records(text: string): AsyncIterable<{ record: string[]; info: Info }> {
  // Cut into pieces, so that other work has its turn while a large file is parsed.
  const pieces = Array.from({ length: Math.ceil(text.length / PIECE) }, (_, n) =>
    text.slice(n * PIECE, (n + 1) * PIECE),
  );
  const parser = parse({ info: true, relax_quotes: true, skip_empty_lines: true });
  return Readable.from(pieces)
    .on("error", (error) => parser.destroy(error))
    .pipe(parser) as AsyncIterable<{
    record: string[];
    info: Info;
  }>;
}

function reasonOf(error: CsvError): string {
  switch (error.code) {
    case "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH":
    case "CSV_RECORD_INCONSISTENT_COLUMNS":
      return "the row has another number of cells than the header.";
    case "CSV_QUOTE_NOT_CLOSED":
      return "a quotation mark is opened and never closed.";
    default:
      return `no CSV (${error.message}).`;
  }
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
