import { toCatalogError } from "../catalog/index.js";
import type { Logger } from "../config/index.js";

/**
 * Keeps the re-index that goes on supplied with jobs, in every process that works on jobs; and looks at it once more
 * whenever a job has ended.
 */
export class ReindexRounds {
  private readonly timer: NodeJS.Timeout;
  private running: Promise<void> | undefined;
  private again = false;
  private stopped = false;

  /**
   * @param look carries the re-index on
   * @param pollSeconds time between two looks for a re-index that another process began
   */
  constructor(
    private readonly look: () => Promise<unknown>,
    pollSeconds: number,
    private readonly logger: Logger,
  ) {
    this.timer = setInterval(() => {
      this.wake();
    }, pollSeconds * 1000).unref();
    this.wake();
  }

  /** Looks now. */
  wake(): void {
    if (this.stopped) return;
    if (this.running !== undefined) {
      this.again = true;
      return;
    }
    this.running = this.run().finally(() => {
      this.running = undefined;
      if (!this.again) return;
      this.again = false;
      this.wake();
    });
  }

  /** Ends; waits for the look that is being taken. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  private async run(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      // The next look tries again.
      this.logger.warn({ err: toCatalogError(error) }, "a re-index could not be carried on");
    }
  }
}
