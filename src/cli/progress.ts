/** Shows how an ingest goes: a bar for people, a line for each file everywhere. */
import { startBar } from "./bar.js";
import type { Console } from "./console.js";
import type { IngestActivity, IngestOutcome } from "./follow-jobs.js";
import { clock } from "./text.js";

/** A display of one ingest. */
export interface IngestDisplay {
  readonly outcome: (outcome: IngestOutcome) => void;
  readonly activity: (activity: IngestActivity) => void;
  /** Takes the bar away. */
  readonly end: () => void;
}

/** Starts a display for a number of files. */
export function createDisplay(total: number, out: Console): IngestDisplay {
  const bar = startBar(total, out);
  let ended = 0;
  return {
    outcome(outcome) {
      ended += 1;
      const line = outcomeLine(outcome, ended, total);
      bar?.clear();
      if (outcome.failure === null) out.print(line);
      else out.complain(line);
    },
    activity({ done, running }) {
      const current = running.find(({ job }) => job.state === "RUNNING") ?? running[0];
      const file = current === undefined ? "" : `${current.file.externalId} (${current.job.stage.toLowerCase()})`;
      bar?.update(done, `${Math.floor(done)}/${total}  ${file}`);
    },
    end: () => {
      bar?.stop();
    },
  };
}

function outcomeLine(
  { file, failure, durationSeconds, segmentCount }: IngestOutcome,
  ended: number,
  total: number,
): string {
  const place = `[${String(ended).padStart(String(total).length)}/${total}]`;
  return failure === null
    ? `${place} ✓ ${file.externalId}  ${clock(durationSeconds)}, ${segmentCount} segments`
    : `${place} ✗ ${file.externalId}  ${failure.message} (${failure.code})`;
}
