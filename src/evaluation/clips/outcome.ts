import type { EncodedClip } from "../../encoding/index.js";
import type { MissingReason } from "./missing-clips.js";

/** One vector of a clip. */
export interface ClipRow extends EncodedClip {
  /** Number of the segment, and its seconds in the clip; null when the row is the whole clip. */
  segment: { index: number; startSeconds: number; endSeconds: number } | null;
}

/** What became of a clip: at least one row, or the reason why there is none. */
export type ClipOutcome = { rows: readonly ClipRow[] } | { missing: MissingReason; reason: string };
