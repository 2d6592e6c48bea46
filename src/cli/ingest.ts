import { access } from "node:fs/promises";
import type { Earshot } from "../earshot.js";
import { DEFAULT_TENANT } from "../graphql/viewer.js";
import { INTERRUPTED, type Console } from "./console.js";
import { ingestFiles, type IngestOutcome } from "./follow-jobs.js";
import type { MediaFile, UnusablePath } from "./media-files.js";
import { createDisplay } from "./progress.js";

/**
 * `earshot ingest <file or folder...>`: makes files searchable and says how each one went.
 *
 * @param unusable Paths that could not be taken; they count as failures.
 * @returns The exit code: 0 when every file was ingested, 1 when one was not, 130 when interrupted.
 */
export async function ingestCommand(
  earshot: Earshot,
  files: readonly MediaFile[],
  unusable: readonly UnusablePath[],
  out: Console,
  signal?: AbortSignal,
): Promise<number> {
  for (const { path, reason } of unusable) out.complain(`✗ ${path}  ${reason}`);
  const { free, taken } = await withoutTakenIds(earshot, files);
  for (const { path, reason } of taken) out.complain(`✗ ${path}  ${reason}`);

  const began = performance.now();
  const display = createDisplay(free.length, out);
  let outcomes: IngestOutcome[];
  try {
    await earshot.start();
    outcomes = await ingestFiles(earshot, free, display.outcome, display.activity, signal);
  } finally {
    display.end();
  }
  const failed = outcomes.filter(({ failure }) => failure !== null).length + unusable.length + taken.length;
  out.print(summary(outcomes, failed, (performance.now() - began) / 1000));
  if (signal?.aborted === true) {
    out.complain(`Interrupted: ${free.length - outcomes.length} files were not ingested.`);
    return INTERRUPTED;
  }
  return failed === 0 ? 0 : 1;
}

function summary(outcomes: readonly IngestOutcome[], failed: number, wallSeconds: number): string {
  const good = outcomes.filter(({ failure }) => failure === null);
  const heard = good.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
  const speed = wallSeconds > 0 ? heard / wallSeconds : 0;
  const times = speed >= 10 ? speed.toFixed(0) : speed.toFixed(1);
  return `${good.length} ingested, ${failed} failed; ${heard.toFixed(1)} s of sound in ${wallSeconds.toFixed(1)} s (${times} times real time)`;
}

/**
 * Keeps apart the files whose external id belongs to another file that still exists: ingesting them
 * would silently replace that video. A file that was moved replaces its old self.
 */
async function withoutTakenIds(
  earshot: Earshot,
  files: readonly MediaFile[],
): Promise<{ free: MediaFile[]; taken: UnusablePath[] }> {
  const free: MediaFile[] = [];
  const taken: UnusablePath[] = [];
  for (const file of files) {
    const video = await earshot.catalog.videos.findByExternalId(DEFAULT_TENANT, file.externalId);
    if (video === null || video.source.path === file.path || !(await exists(video.source.path))) {
      free.push(file);
    } else {
      taken.push({
        path: file.path,
        reason: `The external id "${file.externalId}" belongs to ${video.source.path}. Choose another one with --id-prefix.`,
      });
    }
  }
  return { free, taken };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
