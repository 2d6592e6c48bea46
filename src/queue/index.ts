export { checkAtHand } from "./at-hand.js";
export { nextUpdate } from "./events.js";
export { JobInterruption } from "./interruption.js";
export { JobQueue } from "./job-queue.js";
export { observedAttempt } from "./observed-attempt.js";
export type { JobChange, JobRows, QueuedJob, QueueOptions, QueueParts, QueueStatus, StopOptions } from "./types.js";
export { createWorkerIdentity, type WorkerIdentity } from "./worker-identity.js";
