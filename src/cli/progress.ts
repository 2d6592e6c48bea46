/** Shows how an ingest goes: a bar for people, a line for each file everywhere. */
import { SingleBar } from "cli-progress";
import type { Console } from "./console.js";
import type { IngestActivity, IngestOutcome } from "./follow-jobs.js";
import { clock } from "./text.js";

const BAR_CHARACTERS = 24;

/** A display of one ingest. */
export interface IngestDisplay {
  readonly outcome: (outcome: IngestOutcome) => void;
  readonly activity: (activity: IngestActivity) => void;
  /** Takes the bar away. */
  readonly end: () => void;
}

/** Starts a display for a number of files. */
export function createDisplay(total: number, out: Console): IngestDisplay {
  const bar = out.interactive && total > 0 ? startBar(total, out) : undefined;
  let ended = 0;
  return {
    outcome(outcome) {
      ended += 1;
      const line = outcomeLine(outcome, ended, total);
      // The bar is drawn again below the line, at its next update.
      if (bar !== undefined) out.progress.write("\r\x1b[K");
      if (outcome.failure === null) out.print(line);
      else out.complain(line);
    },
    activity({ done, running }) {
      const current = running.find(({ job }) => job.state === "RUNNING") ?? running[0];
      bar?.update(done, {
        file: current === undefined ? "" : `${current.file.externalId} (${current.job.stage.toLowerCase()})`,
      });
    },
    end: () => bar?.stop(),
  };
}

function startBar(total: number, out: Console): SingleBar {
  const bar = new SingleBar({
    format: (_options, params, payload: { file?: string }) => {
      const filled = Math.round(params.progress * BAR_CHARACTERS);
      const blocks = "█".repeat(filled) + "░".repeat(BAR_CHARACTERS - filled);
      const share = `${String(Math.floor(params.progress * 100)).padStart(3)} %`;
      const line = `${blocks} ${share}  ${Math.floor(params.value)}/${params.total}  ${payload.file ?? ""}`;
      return line.slice(0, Math.max(BAR_CHARACTERS, out.columns - 1));
    },
    hideCursor: true,
    clearOnComplete: true,
    stream: out.progress,
  });
  bar.start(total, 0, { file: "" });
  return bar;
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
