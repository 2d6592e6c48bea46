import type { MissingClips } from "../../catalog/index.js";

/** Why a clip is not in the pool. */
export type MissingReason = Exclude<keyof MissingClips, "examples">;

/** Examples of clips that are missing for one and the same reason. */
const EXAMPLES = 3;

/** Counts the clips that are missing. */
export class MissingClipCount {
  private readonly counted: MissingClips = {
    notFound: 0,
    unreadable: 0,
    withoutExpert: 0,
    withoutCaption: 0,
    examples: [],
  };
  private readonly examplesOf = new Map<string, number>();

  /**
   * @param clip its id
   * @param reason words for a person, without paths
   */
  add(kind: MissingReason, clip: string, reason: string): void {
    this.counted[kind] += 1;
    const examples = this.examplesOf.get(reason) ?? 0;
    if (examples < EXAMPLES) this.counted.examples.push({ clip, reason });
    this.examplesOf.set(reason, examples + 1);
  }

  /** What was counted so far. */
  get value(): MissingClips {
    return structuredClone(this.counted);
  }
}
