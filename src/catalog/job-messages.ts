import type { JobMessages } from "./database.js";

/** For a database of one machine: its processes look at the rows, and failed jobs are found there. */
export const noMessages: JobMessages = {
  used: false,
  announce: () => Promise.resolve(),
  take: () => Promise.resolve(true),
  bury: () => Promise.resolve(),
  unbury: () => Promise.resolve(),
  unburyVideo: () => Promise.resolve(),
  deadLetters: () => Promise.resolve([]),
  countDeadLetters: () => Promise.resolve(0),
};
