import { endsWithin } from "../timing/index.js";

/**
 * Writes of one kind to one row: one at a time, so that a slow one does not overwrite a later one. Of those that have to
 * wait only the latest is made. None is waited for longer than the limit: a connection that hangs holds up nothing else.
 */
export class RowWrites {
  private latest: (() => Promise<unknown>) | undefined;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly limitMs: number,
    /** Told of a write that failed or took too long, and that one was done. */
    private readonly onWrite: (error: unknown) => void,
  ) {}

  /** Makes a write as soon as the one that is under way has ended. */
  add(write: () => Promise<unknown>): void {
    this.latest = write;
    this.writing ??= this.writeAll();
  }

  /** Drops what waits; resolves when the write under way has ended, or its time is up. */
  async close(): Promise<void> {
    this.latest = undefined;
    await this.writing;
  }

  private async writeAll(): Promise<void> {
    for (let write = this.latest; write !== undefined; write = this.latest) {
      this.latest = undefined;
      try {
        const inTime = await endsWithin(write(), this.limitMs);
        this.onWrite(inTime ? null : new Error(`No answer within ${this.limitMs / 1000} s.`));
      } catch (error) {
        this.onWrite(error);
      }
    }
    this.writing = undefined;
  }
}
