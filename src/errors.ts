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

// --- search -------------------------------------------------------------------------------------

/** The query holds no words at all. */
export class QueryEmptyError extends EarshotError {
  readonly code = "QUERY_EMPTY";
}

/** The query has more characters than the options allow. */
export class QueryTooLongError extends EarshotError {
  readonly code = "QUERY_TOO_LONG";
}

/** `first` is not between 1 and the largest page. */
export class FirstOutOfRangeError extends EarshotError {
  readonly code = "FIRST_OUT_OF_RANGE";
}

/** `momentsPerVideo` is not between 1 and the most that is allowed. */
export class MomentsPerVideoOutOfRangeError extends EarshotError {
  readonly code = "MOMENTS_PER_VIDEO_OUT_OF_RANGE";
}

/** `minRelevance` is not between 0 and 1. */
export class MinRelevanceOutOfRangeError extends EarshotError {
  readonly code = "MIN_RELEVANCE_OUT_OF_RANGE";
}

/** A cursor is damaged, invented, or belongs to another list. */
export class InvalidCursorError extends EarshotError {
  readonly code = "INVALID_CURSOR";
}

/** A filter holds something that cannot be filtered by. */
export class InvalidFilterError extends EarshotError {
  readonly code = "INVALID_FILTER";
}

// --- graphql ------------------------------------------------------------------------------------

/** A global id was not given out by Earshot, or names something of another type. */
export class InvalidIdError extends EarshotError {
  readonly code = "INVALID_ID";
}

/** Exactly one of several arguments has to be given. */
export class OneArgumentNeededError extends EarshotError {
  readonly code = "ONE_ARGUMENT_NEEDED";
}

/** The caller lacks the right which the field needs. */
export class ForbiddenError extends EarshotError {
  readonly code = "FORBIDDEN";
}

// --- server and command line --------------------------------------------------------------------

/** Another program listens on the port. */
export class PortInUseError extends EarshotError {
  readonly code = "PORT_IN_USE";
}

/** The server may not listen on the port or address. */
export class AddressUnavailableError extends EarshotError {
  readonly code = "ADDRESS_UNAVAILABLE";
}

/** The demo's manifest or a video it names is missing or malformed. */
export class DemoUnreadableError extends EarshotError {
  readonly code = "DEMO_UNREADABLE";
}
