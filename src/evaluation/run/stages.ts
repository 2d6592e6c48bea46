import type { EvaluationSource, EvaluationStage, EvaluationTimings } from "../../catalog/index.js";

/** The stages of the work, in order. */
type WorkStage = Exclude<EvaluationStage, "QUEUED">;

/** Told where an evaluation stands; progress 0..1. */
export type StageListener = (stage: EvaluationStage, progress: number) => void;

/** Shortest time between two reports of one stage, in milliseconds. */
const REPORT_INTERVAL_MS = 250;

/** Share of the whole that each stage takes, about; together 1. */
const SHARES: Readonly<Record<EvaluationSource["kind"], Readonly<Record<WorkStage, number>>>> = {
  features: { PREPARING: 0.08, ENCODING_CLIPS: 0.4, ENCODING_CAPTIONS: 0.36, SCORING: 0.12, COMMITTING: 0.04 },
  media: { PREPARING: 0.01, ENCODING_CLIPS: 0.9, ENCODING_CAPTIONS: 0.05, SCORING: 0.03, COMMITTING: 0.01 },
  index: { PREPARING: 0.02, ENCODING_CLIPS: 0, ENCODING_CAPTIONS: 0.3, SCORING: 0.64, COMMITTING: 0.04 },
};

/** Keeps the progress of an evaluation, which never goes back, and the time that each stage took. */
export class Stages {
  private readonly shares: Readonly<Record<WorkStage, number>>;
  private readonly seconds = new Map<WorkStage, number>();
  private stage: WorkStage | undefined;
  private enteredMs = 0;
  /** Progress at which the stage began. */
  private begun = 0;
  private progress = 0;
  private reportedMs = 0;

  constructor(
    kind: EvaluationSource["kind"],
    private readonly listener: StageListener,
  ) {
    this.shares = SHARES[kind];
  }

  /** Ends the stage before, and begins another. */
  enter(stage: WorkStage): void {
    this.leave();
    this.stage = stage;
    this.enteredMs = performance.now();
    this.report();
  }

  /** How far the stage has come, 0..1. */
  advance(share: number): void {
    if (this.stage === undefined) return;
    this.progress = Math.max(this.progress, this.begun + this.shares[this.stage] * Math.min(1, share));
    if (performance.now() - this.reportedMs >= REPORT_INTERVAL_MS) this.report();
  }

  /** The seconds that the stages took which have been left, and the one that is under way. */
  timings(mediaSeconds: number | null): EvaluationTimings {
    const of = (stage: WorkStage) =>
      (this.seconds.get(stage) ?? 0) + (this.stage === stage ? (performance.now() - this.enteredMs) / 1000 : 0);
    return {
      preparingSeconds: of("PREPARING"),
      encodingClipsSeconds: of("ENCODING_CLIPS"),
      encodingCaptionsSeconds: of("ENCODING_CAPTIONS"),
      scoringSeconds: of("SCORING"),
      mediaSeconds,
    };
  }

  private leave(): void {
    if (this.stage === undefined) return;
    this.seconds.set(this.stage, (performance.now() - this.enteredMs) / 1000);
    this.begun += this.shares[this.stage];
    this.progress = Math.max(this.progress, this.begun);
  }

  private report(): void {
    this.reportedMs = performance.now();
    if (this.stage !== undefined) this.listener(this.stage, Math.min(1, this.progress));
  }
}
