import type { Logger } from "../config/index.js";
import { EarshotError } from "../errors.js";

/** Longest pause while something is away, in seconds. */
const maxPauseSeconds = 60;

/** A class of errors. */
export type ErrorKind = abstract new (...args: never[]) => EarshotError;

/** What is away, for health checks. */
export interface Pause {
  code: string;
  message: string;
}

/**
 * What a queue knows about the database, the vector engine and ffmpeg being away. The log gets one line when it begins and
 * one when it is over, however often the queue tries in between.
 */
export class Outage {
  private current: { error: EarshotError; since: number; until: number } | undefined;
  private tries = 0;

  constructor(
    private readonly name: string,
    private readonly logger: Logger,
    /** Failures that are outages for this queue, whatever its check says. */
    private readonly further: readonly ErrorKind[] = [],
  ) {}

  /** Whether an error says that something is away which every job needs. */
  is(error: unknown): error is EarshotError {
    return error instanceof EarshotError && (error.outage || this.isUnchecked(error));
  }

  /** Whether it is one of the further failures: whether what they need is back can only be seen by trying. */
  isUnchecked(error: EarshotError): boolean {
    return this.further.some((kind) => error instanceof kind);
  }

  /** What is away; null while nothing is. */
  get pause(): Pause | null {
    return this.current === undefined ? null : { code: this.current.error.code, message: this.current.error.message };
  }

  /** Whether jobs may be taken: nothing is away, or it is time to try again. */
  get mayTry(): boolean {
    return this.current === undefined || performance.now() >= this.current.until;
  }

  /** Something is away: the queue pauses, longer each time. */
  met(error: EarshotError): void {
    // Of several jobs that meet it at once, the first one counts.
    if (!this.mayTry) return;
    this.tries += 1;
    const ms = pauseMs(this.tries);
    const now = performance.now();
    const since = this.current?.since ?? now;
    const facts = { err: error, detail: error.detail, seconds: ms / 1000 };
    if (this.current === undefined) this.logger.error(facts, `the queue pauses: ${this.name}`);
    else this.logger.debug(facts, `the queue still pauses: ${this.name}`);
    this.current = { error, since, until: now + ms };
  }

  /** Something worked again that needs what was away. */
  passed(): void {
    this.tries = 0;
    if (this.current === undefined) return;
    const seconds = (performance.now() - this.current.since) / 1000;
    this.logger.info({ seconds, code: this.current.error.code }, `the queue goes on: ${this.name}`);
    this.current = undefined;
  }
}

/** Milliseconds to wait before trying for the n-th time, from 1 on. */
export function pauseMs(times: number): number {
  return Math.min(1000 * 2 ** (times - 1), maxPauseSeconds * 1000);
}
