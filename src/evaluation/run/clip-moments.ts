import { setImmediate as nextTurn } from "node:timers/promises";
import type { MomentFigures } from "../../catalog/index.js";
import type { EncodedClips } from "../clips/index.js";
import { momentFigures, type MomentAnswer } from "../metrics/moment-metrics.js";
import type { MomentScores } from "../scoring/index.js";
import type { MomentFinder } from "./parts.js";
import type { MomentPair } from "./queries.js";

/** Pairs of a query and a clip that are worked on before other work has its turn: some ten milliseconds. */
const PAIRS_A_TURN = 100;

/** The most moments that are found for one query, as many as CASTELLA and QVHighlights look at. */
export const MOMENTS_PER_QUERY = 10;

/**
 * The figures of moments that were found in the clips which the queries belong to; null where no query has times.
 *
 * @param answers one for each pair
 */
export function figuresOfMoments(
  pairs: readonly MomentPair[],
  answers: readonly MomentAnswer[],
  seed: number,
): MomentFigures | null {
  if (pairs.length === 0) return null;
  return momentFigures(answers, { clipOfQuery: pairs.map(({ clip }) => clip), seed });
}

/**
 * What is found for every pair, from the scores of the segments of its clip.
 *
 * @param clips their rows are segments
 * @throws the signal's reason when aborted
 */
export async function momentAnswers(
  pairs: readonly MomentPair[],
  { first, scores }: MomentScores,
  { rows, ordinals, times }: EncodedClips,
  finder: MomentFinder,
  signal: AbortSignal,
): Promise<MomentAnswer[]> {
  const rowsOf = new Map<number, number[]>();
  rows.clipOfRow.forEach((clip, row) => {
    const known = rowsOf.get(clip);
    if (known === undefined) rowsOf.set(clip, [row]);
    else known.push(row);
  });
  const answers: MomentAnswer[] = [];
  for (const [pair, { clip, truths }] of pairs.entries()) {
    if (pair % PAIRS_A_TURN === 0) await nextTurn();
    signal.throwIfAborted();
    const own = rowsOf.get(clip) ?? [];
    const hit = {
      ordinals: Uint32Array.from(own, (row) => ordinals![row]!),
      scores: scores.subarray(first[pair], first[pair + 1]),
    };
    // The end of the last segment in which something is heard: as long as is known.
    const duration = own.length === 0 ? null : times![2 * own.at(-1)! + 1]!;
    answers.push({ truths, found: finder(hit, duration, MOMENTS_PER_QUERY) });
  }
  return answers;
}
