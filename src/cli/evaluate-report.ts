/** Writes the report of an evaluation. */
import { access, constants, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { RetrievalDirection } from "../catalog/index.js";
import type { Earshot } from "../earshot.js";
import { ReportNotWritableError } from "../errors.js";
import type { CompletedEvaluation } from "../evaluation/comparison/index.js";
import {
  QueryChooser,
  renderReport,
  SHOWN_HITS,
  type ChosenQueries,
  type ComparedRuns,
  type ReportDirection,
} from "../evaluation/report/index.js";
import { DEFAULT_TENANT } from "../graphql/viewer.js";
import type { Console } from "./console.js";
import { clipExcerpts } from "./evaluate-media.js";

/** Queries that are read from the catalog at once. */
const PAGE_SIZE = 1000;

/**
 * Checks that a report can be written to a file, so that this is known before the work.
 *
 * @throws ReportNotWritableError
 */
export async function checkReportFile(file: string): Promise<void> {
  const refused = (message: string, cause?: unknown): ReportNotWritableError =>
    new ReportNotWritableError(message, { field: "html", detail: path.resolve(file), cause });
  const folder = path.dirname(path.resolve(file));
  try {
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw refused("The folder for the report is missing, or may not be written to. Make it, or name another.", cause);
  }
  const there = await stat(file).catch(() => null);
  if (there !== null && !there.isFile()) throw refused("The report would replace something that is no file.");
}

/**
 * Writes the report of a completed evaluation, with pictures and sounds of its clips where they are at hand.
 *
 * @throws ReportNotWritableError, and the signal's reason when aborted
 */
export async function writeReport(
  earshot: Earshot,
  evaluation: CompletedEvaluation,
  compared: ComparedRuns | null,
  file: string,
  out: Console,
  signal?: AbortSignal,
): Promise<void> {
  const directions: Partial<Record<RetrievalDirection, ReportDirection>> = {};
  const captions = new Map<string, string[]>();
  for (const { direction } of evaluation.result.retrieval) {
    directions[direction] = await readDirection(earshot, evaluation.id, direction, captions);
  }
  const chosen = Object.values(directions).flatMap(({ queries }) => [...queries.best, ...queries.worst]);
  const excerpts = await clipExcerpts(earshot, evaluation, shownClips(chosen), out, signal);
  const page = renderReport({ evaluation, directions, compared, excerpts, captions, version: await ownVersion() });
  await writeWhole(file, page);
  out.complain(`Report: ${file} (${(Buffer.byteLength(page) / 1e6).toFixed(1)} MB)`);
}

/** Reads all queries of a direction; those of text to audio are the captions of the clips. */
async function readDirection(
  { catalog }: Earshot,
  id: string,
  direction: RetrievalDirection,
  captions: Map<string, string[]>,
): Promise<ReportDirection> {
  const chooser = new QueryChooser();
  let after: { rank: number; ordinal: number } | undefined;
  for (;;) {
    const listing = { order: "DATASET", limit: PAGE_SIZE, ...(after === undefined ? {} : { after }) } as const;
    const page = await catalog.evaluationRanks.list(DEFAULT_TENANT, id, direction, listing);
    for (const query of page) {
      chooser.add(query);
      if (direction !== "T2A") continue;
      const known = captions.get(query.target);
      if (known === undefined) captions.set(query.target, [query.query]);
      else known.push(query.query);
    }
    after = page.at(-1);
    if (page.length < PAGE_SIZE) return { ranks: chooser.ranks, queries: chooser.chosen() };
  }
}

/** The clips whose media are shown, in the order of the page. */
function shownClips(queries: readonly ChosenQueries["best"][number][]): string[] {
  const clips = queries.flatMap(({ direction, target, hits }) =>
    direction === "A2T" ? [target] : [...hits.slice(0, SHOWN_HITS).map(({ clip }) => clip), target],
  );
  return [...new Set(clips)];
}

/** Writes a file so that it is there whole or not at all. */
async function writeWhole(file: string, text: string): Promise<void> {
  const unfinished = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(unfinished, text);
    await rename(unfinished, file);
  } catch (cause) {
    await rm(unfinished, { force: true });
    throw new ReportNotWritableError("The report cannot be written. Name another file.", {
      field: "html",
      detail: path.resolve(file),
      cause,
    });
  }
}

async function ownVersion(): Promise<string> {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(await readFile(file, "utf8")) as { version: string }).version;
}
