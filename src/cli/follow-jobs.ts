/** Submits files a few at a time and follows their jobs to the end. */
import { setTimeout as wait } from "node:timers/promises";
import type { IngestJobRecord } from "../catalog/index.js";
import type { Earshot } from "../earshot.js";
import { EarshotError } from "../errors.js";
import { DEFAULT_TENANT } from "../graphql/viewer.js";
import type { MediaFile } from "./media-files.js";

/** Time between two looks at the running jobs, in milliseconds. */
const LOOK_INTERVAL_MS = 150;

/** How one file ended. */
export interface IngestOutcome {
  file: MediaFile;
  /** Null when it was ingested. */
  failure: { code: string; message: string } | null;
  /** Seconds of its sound; 0 when it failed. */
  durationSeconds: number;
  /** Segments in the index; 0 when it failed. */
  segmentCount: number;
}

/** What is going on, for a progress display. */
export interface IngestActivity {
  /** Files that ended, well or badly. */
  ended: number;
  /** Work done in files, with parts of the running ones: 0 to the number of files. */
  done: number;
  /** The files being worked on. */
  running: { file: MediaFile; job: IngestJobRecord }[];
}

/**
 * Ingests files; the Earshot must have been started.
 *
 * @param onOutcome Called as each file ends.
 * @param onActivity Called whenever the jobs were looked at.
 * @param signal Takes no more files, cancels the jobs of this call, and ends.
 * @returns The outcomes, in the order in which the files ended.
 */
export async function ingestFiles(
  earshot: Earshot,
  files: readonly MediaFile[],
  onOutcome: (outcome: IngestOutcome) => void,
  onActivity: (activity: IngestActivity) => void,
  signal?: AbortSignal,
): Promise<IngestOutcome[]> {
  const waiting = [...files];
  const outcomes: IngestOutcome[] = [];
  let running: IngestActivity["running"] = [];
  const end = (outcome: IngestOutcome): void => {
    outcomes.push(outcome);
    onOutcome(outcome);
  };
  // A few more than are worked on, so that the next ones are at hand.
  const most = earshot.options.ingest.concurrency + 3;

  while ((waiting.length > 0 || running.length > 0) && signal?.aborted !== true) {
    while (running.length < most) {
      const file = waiting.shift();
      if (file === undefined) break;
      try {
        running.push({ file, job: await submit(earshot, file) });
      } catch (error) {
        if (!(error instanceof EarshotError)) throw error;
        end({ file, failure: error, durationSeconds: 0, segmentCount: 0 });
      }
    }
    await wait(LOOK_INTERVAL_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    const looked = await Promise.all(running.map(async (entry) => ({ ...entry, job: await look(earshot, entry.job) })));
    running = looked.filter(({ job }) => job.state === "PENDING" || job.state === "RUNNING");
    for (const entry of looked) if (!running.includes(entry)) end(await outcomeOf(earshot, entry.file, entry.job));
    const parts = running.reduce((sum, { job }) => sum + (job.progress ?? 0), 0);
    onActivity({ ended: outcomes.length, done: outcomes.length + parts, running });
  }
  for (const { job } of running) await earshot.ingest.cancel(DEFAULT_TENANT, job.id);
  return outcomes;
}

function submit(earshot: Earshot, file: MediaFile): Promise<IngestJobRecord> {
  return earshot.ingest.submit(
    { source: { path: file.path }, externalId: file.externalId, title: file.title, metadata: null, requestId: null },
    DEFAULT_TENANT,
  );
}

async function look(earshot: Earshot, job: IngestJobRecord): Promise<IngestJobRecord> {
  return (await earshot.catalog.jobs.find(DEFAULT_TENANT, job.id)) ?? job;
}

async function outcomeOf(earshot: Earshot, file: MediaFile, job: IngestJobRecord): Promise<IngestOutcome> {
  if (job.state !== "COMPLETED") {
    const failure = {
      code: job.errorCode ?? job.state,
      message: job.errorMessage ?? "The job was cancelled, or overtaken by a later one for the same video.",
    };
    return { file, failure, durationSeconds: 0, segmentCount: 0 };
  }
  const video = job.videoId === null ? null : await earshot.catalog.videos.find(DEFAULT_TENANT, job.videoId);
  const counts = video === null ? undefined : await earshot.catalog.segments.countByVideo(earshot.pack.id, [video.id]);
  return {
    file,
    failure: null,
    durationSeconds: video?.durationSeconds ?? 0,
    segmentCount: (video && counts?.get(video.id)) ?? 0,
  };
}
