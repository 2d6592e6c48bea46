import { setImmediate } from "node:timers/promises";
import type { z } from "zod";
import { DatasetInvalidError } from "../../errors.js";
import type { DatasetFolder } from "./dataset-folder.js";

/** Lines that are parsed before other work has its turn. */
const LINES_A_TURN = 2000;

/**
 * A JSON file of some shape.
 *
 * @throws DatasetInvalidError it is missing, no JSON, or of another shape: the message says where
 */
export async function readJson<Shape extends z.ZodType>(
  folder: DatasetFolder,
  name: string,
  shape: Shape,
): Promise<z.output<Shape>> {
  return checked(parsed(await folder.text(name), name), shape, name);
}

/**
 * A file with a JSON value a line; empty lines do not count.
 *
 * @throws DatasetInvalidError with the line that is no JSON, or of another shape
 */
export async function* readJsonLines<Shape extends z.ZodType>(
  folder: DatasetFolder,
  name: string,
  shape: Shape,
): AsyncGenerator<{ line: number; value: z.output<Shape> }> {
  const text = await folder.text(name);
  let line = 0;
  for (let start = 0; start < text.length;) {
    const found = text.indexOf("\n", start);
    const end = found < 0 ? text.length : found;
    const content = text.slice(start, end).trim();
    start = end + 1;
    line += 1;
    if (line % LINES_A_TURN === 0) await setImmediate();
    if (content === "") continue;
    const where = `${name}, line ${line}`;
    yield { line, value: checked(parsed(content, where), shape, where) };
  }
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DatasetInvalidError(`${where}: no JSON (${(cause as Error).message}).`, { cause });
  }
}

function checked<Shape extends z.ZodType>(value: unknown, shape: Shape, where: string): z.output<Shape> {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new DatasetInvalidError(`${where}: ${path.length > 0 ? `${path.join(".")}: ` : ""}${message}.`);
}
