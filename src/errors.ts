/**
 * Every expected failure of Earshot: one class per cause, each with a stable code.
 *
 * `message` is written for the person who can mend the cause and is safe to show to an API client:
 * it never holds a server path, a stack or a secret. `detail` is for logs only.
 * `retryable` tells the job queue whether another attempt could succeed.
 */
export abstract class EarshotError extends Error {
  /** Stable, machine-readable name of the cause, e.g. `MEDIA_UNREADABLE`. */
  abstract readonly code: string;
  /** True when the same call may succeed later without anyone changing anything. */
  readonly retryable: boolean = false;
  /** The input field at fault, when there is one. */
  readonly field?: string;
  /** Facts for the log (paths, exit codes, stderr); never sent to a client. */
  readonly detail?: string;

  constructor(message: string, extra: { field?: string; detail?: string; cause?: unknown } = {}) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = new.target.name;
    if (extra.field !== undefined) this.field = extra.field;
    if (extra.detail !== undefined) this.detail = extra.detail;
  }
}
