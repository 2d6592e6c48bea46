/** What a run was, in words: the same on a page and on a terminal. */
import type { EvaluationRecord, EvaluationResult, MissingClips } from "../../catalog/index.js";
import { counted, grouped } from "./numbers.js";

/** What each reason for a missing clip means to a reader. */
export const MISSING_REASONS = [
  { key: "notFound", words: "not found" },
  { key: "unreadable", words: "cannot be decoded" },
  { key: "withoutExpert", words: "nothing that an expert hears or sees" },
  { key: "withoutCaption", words: "without a caption" },
] as const satisfies { key: Exclude<keyof MissingClips, "examples">; words: string }[];

/** Clips of the split that were not ranked. */
export function missingCount(missing: MissingClips): number {
  return MISSING_REASONS.reduce((sum, { key }) => sum + missing[key], 0);
}

/** E.g. "812 of 816 clips ranked; 4 missing (3 not found, 1 cannot be decoded)". */
export function poolSentence({ clips, pool, missing }: EvaluationResult): string {
  const count = missingCount(missing);
  const reasons = MISSING_REASONS.filter(({ key }) => missing[key] > 0).map(
    ({ key, words }) => `${grouped(missing[key])} ${words}`,
  );
  const ranked = `${grouped(pool)} of ${counted(clips, "clip")} ranked`;
  return count === 0 ? `${ranked}; none missing` : `${ranked}; ${grouped(count)} missing (${reasons.join(", ")})`;
}

/** How the clips were scored. */
export function scoringWords({ order }: Pick<EvaluationRecord, "order">): string {
  const source = { features: "features of the data set", media: "media files", index: "indexed videos" }[
    order.source.kind
  ];
  const scoring = order.clipScoring === "BEST_SEGMENT" ? "the best segment counts" : "each clip as one sequence";
  return `${source}; ${scoring}`;
}

/** Seconds as a person says them, e.g. "1 h 5 min", "12.3 s". */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
