import type { ClipOutcome } from "./outcome.js";
import type { ClipWork } from "./types.js";

/** What became of clips that are next to each other. */
export interface Block {
  outcomes: readonly ClipOutcome[];
  /** Seconds of media that were decoded. */
  seconds: number;
}

/** How the clips of a data set are worked on: in blocks of neighbours, several at once. */
export interface Plan {
  /** Blocks of places, from the first place that is not done. Whatever they are, the outcomes must be the same. */
  blocksFrom(first: number): Iterable<readonly number[]>;
  /** The place from which on clips are to be encoded when so many are done already. */
  resumeAt(done: number): number;
  encode(places: readonly number[], signal: AbortSignal): Promise<Block>;
}

/** Of a clip that no query can be about. */
export const withoutCaption: ClipOutcome = { missing: "withoutCaption", reason: "It has no caption." };

/** Whether the clip at a place can be an answer. */
export function takesPart(place: number, { dataset }: Pick<ClipWork, "dataset">): boolean {
  return dataset.relevance.length > 0 || dataset.clips[place]!.captions.length > 0;
}
