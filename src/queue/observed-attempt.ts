import { openSpan, secondsSince, withLogFields, withSpan, type AttemptOutcome } from "../telemetry/index.js";
import type { QueuedJob } from "./types.js";

/** What is told of an attempt at a job. */
export interface AttemptListener {
  onStage?: (stage: string, seconds: number) => void;
  onEnd: (outcome: AttemptOutcome, seconds: number) => void;
}

/** An attempt at a job. */
export interface Attempt<Stage extends string> {
  job: QueuedJob;
  /** Name of its span. */
  span: string;
  /** `traceparent` of the request that submitted the job. */
  parent?: string | null | undefined;
  /** Told where the job stands. */
  onProgress: (stage: Stage, progress: number | null) => void;
  signal: AbortSignal;
}

/**
 * Works on a job inside a span of its own. Every line that the work logs carries the ids of job and request; stages and the
 * end are told with their seconds.
 */
export function observedAttempt<Stage extends string>(
  { job, span, parent = null, onProgress, signal }: Attempt<Stage>,
  { onStage, onEnd }: AttemptListener,
  work: (onProgress: Attempt<Stage>["onProgress"]) => Promise<void>,
): Promise<void> {
  const started = performance.now();
  let stage: { name: Stage; since: number; span: ReturnType<typeof openSpan> } | undefined;
  const endStage = ({ told }: { told: boolean }) => {
    stage?.span.end();
    if (told && stage !== undefined) onStage?.(stage.name, secondsSince(stage.since));
    stage = undefined;
  };
  const { id: jobId, requestId, attempts } = job;
  const fields = { jobId, ...(requestId === null ? {} : { requestId }) };
  const attributes = { "earshot.job.id": jobId, "earshot.job.attempt": attempts };
  return withLogFields(fields, () =>
    withSpan(span, { kind: "consumer", parent, attributes }, async () => {
      try {
        await work((name, progress) => {
          if (stage?.name !== name) {
            endStage({ told: true });
            stage = { name, since: performance.now(), span: openSpan(`${span} ${name.toLowerCase()}`) };
          }
          onProgress(name, progress);
        });
        endStage({ told: true });
        onEnd("completed", secondsSince(started));
      } catch (error) {
        // How long a stage takes is told of those that came to their end.
        endStage({ told: false });
        onEnd(signal.aborted ? "interrupted" : "failed", secondsSince(started));
        throw error;
      }
    }),
  );
}
