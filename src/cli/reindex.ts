/** `earshot reindex` and `earshot indexes`: another model pack for the whole library, without a break in searches. */
import { setTimeout as wait } from "node:timers/promises";
import type { ReindexRecord } from "../catalog/index.js";
import type { Earshot } from "../earshot.js";
import { ReindexNotFoundError } from "../errors.js";
import { startBar } from "./bar.js";
import { INTERRUPTED, type Console } from "./console.js";
import { table } from "./text.js";

/** Flags of `earshot reindex`. */
export interface ReindexFlags {
  /** Id or folder of the pack; undefined: the re-index that goes on. */
  pack?: string;
  swap?: boolean;
  pause?: boolean;
  resume?: boolean;
  cancel?: boolean;
  allowMissing?: boolean;
}

/** Time between two looks, in milliseconds. */
const LOOK_INTERVAL_MS = 500;

/** Most failures that are listed. */
const MOST_FAILURES = 20;

/**
 * Begins a re-index, or goes on with the one that was begun, works on it in this process, and shows how far it is; or
 * only does to it what a flag says.
 *
 * @param signal Ends the work; the re-index itself stays, and goes on the next time.
 * @returns The exit code: 0 when it is done, or ready for the swap; 1 when videos are missing; 130 when interrupted.
 * @throws ReindexNotFoundError and the other errors of re-indexes
 */
export async function reindexCommand(
  earshot: Earshot,
  flags: ReindexFlags,
  out: Console,
  signal?: AbortSignal,
): Promise<number> {
  const { reindex } = earshot;
  const unfinished = await earshot.catalog.reindexes.unfinished();
  if (flags.pause === true) return say(await reindex.pause(known(unfinished).id), out);
  if (flags.cancel === true) return say(await reindex.cancel(known(unfinished).id), out);
  // --no-swap is for the start; a swap is asked for where one goes on already.
  if (flags.swap === true && flags.pack === undefined)
    return say(await reindex.swap(known(unfinished).id, { allowMissing: flags.allowMissing ?? false }), out);
  let begun = unfinished;
  if (flags.resume === true) begun = await reindex.resume(known(unfinished).id);
  else if (flags.pack !== undefined)
    begun = await reindex.begin({ modelPack: flags.pack, swapAutomatically: flags.swap ?? true });
  return follow(earshot, known(begun), out, signal);
}

/**
 * Lists the indexes.
 *
 * @returns The exit code: 0.
 */
export async function indexesCommand({ indexes }: Earshot, out: Console): Promise<number> {
  const rows = (await indexes.list()).map(({ id, videos, count, dimension, live, building, packIsHere }) => [
    ...[id, String(videos), String(count), String(dimension)],
    [live ? "in use" : building ? "being built" : "", packIsHere ? "" : "model pack not here"]
      .filter(Boolean)
      .join(", "),
  ]);
  const columns = [
    { header: "index" },
    ...["videos", "segments", "dimension"].map((header) => ({ header, align: "right" as const })),
    { header: "" },
  ];
  for (const line of table(columns, rows)) out.print(line);
  return 0;
}

/** The re-index that goes on. */
function known(reindex: ReindexRecord | null): ReindexRecord {
  if (reindex !== null) return reindex;
  throw new ReindexNotFoundError(
    'No re-index goes on. Begin one with "earshot reindex --pack <name@version or folder>".',
  );
}

async function follow(earshot: Earshot, begun: ReindexRecord, out: Console, signal?: AbortSignal): Promise<number> {
  const { reindex } = earshot;
  out.complain(`Building the index ${begun.indexId}; searches use ${earshot.pack.id} meanwhile.`);
  await earshot.start();
  const bar = startBar(1, out);
  let now = begun;
  try {
    for (now = await reindex.find(begun.id); now.state === "RUNNING"; now = await reindex.find(begun.id)) {
      const { total, done, failed } = await reindex.progress(now);
      const text = `${done}/${total} videos${failed === 0 ? "" : `, ${failed} failed`}`;
      bar?.update(total === 0 ? 1 : done / total, text);
      await wait(LOOK_INTERVAL_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
      if (signal?.aborted === true) break;
    }
  } finally {
    bar?.stop();
  }
  if (now.state === "RUNNING") {
    out.complain('Interrupted. The re-index goes on with "earshot reindex", or where a server works on it.');
    return INTERRUPTED;
  }
  for (const { externalId, sourceName, message, code } of await reindex.failures(now.id, MOST_FAILURES))
    out.complain(`✗ ${externalId ?? sourceName}  ${message} (${code})`);
  return say(now, out);
}

function say({ state, indexId, errorMessage }: ReindexRecord, out: Console): number {
  if (errorMessage !== null) out.complain(errorMessage);
  switch (state) {
    case "COMPLETED":
      out.print(`Searches use the index ${indexId} now. Let the option modelPack name its pack for the next start.`);
      return 0;
    case "READY":
      if (errorMessage !== null) return 1;
      out.print(`The index ${indexId} is complete. Change over with: earshot reindex --swap`);
      return 0;
    case "RUNNING":
    case "PAUSED":
    case "CANCELLED":
    case "FAILED":
      out.print(`The re-index to ${indexId} is ${state.toLowerCase()}.`);
      return state === "FAILED" ? 1 : 0;
  }
}
