import { AsyncLocalStorage } from "node:async_hooks";

/** How rounds are made. */
export interface RoundsOptions {
  /** Does one round. A round that throws makes the pauses longer, until one ends well. */
  round: () => Promise<unknown>;
  /** Milliseconds from the end of a round to the next; up to a quarter less by chance, so that processes do not all come at once. */
  pauseMs: () => number;
  /** Longest pause after rounds that failed, in milliseconds. @default no longer than after others */
  longestPauseMs?: number;
  /** Told of the first of several failures in a row. @default nobody */
  onTrouble?: (error: unknown) => void;
  /** Told of the first round that ends well after some that failed. @default nobody */
  onRecovery?: () => void;
  /** Whether the rounds keep a process from ending that has nothing else to do. @default false */
  holdProcess?: boolean;
}

/**
 * Does something again and again, one round at a time: after a pause, or at once when it is woken. The rounds belong to
 * nobody: none carries the request, log fields or trace of whoever woke it.
 */
export class Rounds {
  private readonly inOwnContext = AsyncLocalStorage.snapshot();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private started = false;
  private stopped = false;
  private again = false;
  /** Rounds that failed since the last one that did not. */
  private failures = 0;

  constructor(private readonly options: RoundsOptions) {}

  /** Makes the first round now, and goes on. Does nothing the second time, and after stop. */
  start(): void {
    if (this.started) return;
    this.started = true;
    this.wake();
  }

  /** Makes a round now, or another one after the one that is under way. Does nothing before start and after stop. */
  wake(): void {
    if (!this.started || this.stopped) return;
    if (this.running !== undefined) {
      this.again = true;
      return;
    }
    clearTimeout(this.timer);
    this.running = this.inOwnContext(() => this.tryRound()).finally(() => {
      this.running = undefined;
      if (this.again) {
        this.again = false;
        this.wake();
      } else this.pause();
    });
  }

  /** Makes no more rounds; resolves when the one that is under way has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private async tryRound(): Promise<void> {
    const { round, onTrouble, onRecovery } = this.options;
    try {
      await round();
      if (this.failures > 0) onRecovery?.();
      this.failures = 0;
    } catch (error) {
      // What fails for the end is no trouble.
      if (this.stopped) return;
      this.failures += 1;
      if (this.failures === 1) onTrouble?.(error);
    }
  }

  private pause(): void {
    if (this.stopped) return;
    const { pauseMs, longestPauseMs, holdProcess = false } = this.options;
    const usual = pauseMs();
    const ms = Math.min(usual * 2 ** this.failures, Math.max(usual, longestPauseMs ?? 0));
    this.timer = setTimeout(
      () => {
        this.wake();
      },
      ms * (1 - Math.random() / 4),
    );
    if (!holdProcess) this.timer.unref();
  }
}
