import type { EvaluationNotice } from "../../catalog/index.js";
import type { MomentQuery } from "./dataset.js";

/** A text and when it holds, as a file has it: seconds, start and end. */
export interface TimedText {
  text: string;
  times: readonly [number, number];
  /** Start and end of the clip on the same clock; an end that is not known is infinite. */
  within: readonly [number, number];
}

/**
 * The queries of some clips: the times of one text in one clip together. Published times are taken as they are meant:
 * those written end first are turned round (ActivityNet Captions has some), those that reach over the clip's end are cut
 * there (CASTELLA's durations are rounded down), and those of which nothing is left are left out. What was turned round
 * or left out is counted.
 */
export function momentQueries(clips: readonly { moments: readonly TimedText[] }[]): {
  queries: MomentQuery[];
  notices: EvaluationNotice[];
} {
  const queries: MomentQuery[] = [];
  let turned = 0;
  let leftOut = 0;
  clips.forEach(({ moments }, clip) => {
    const byText = new Map<string, { startSeconds: number; endSeconds: number }[]>();
    for (const { text, times, within } of moments) {
      if (times[0] > times[1]) turned += 1;
      const startSeconds = Math.max(Math.min(...times), within[0]) - within[0];
      const endSeconds = Math.min(Math.max(...times), within[1]) - within[0];
      if (endSeconds <= startSeconds) {
        leftOut += 1;
        continue;
      }
      const truths = byText.get(text) ?? [];
      const repeated = truths.some((truth) => truth.startSeconds === startSeconds && truth.endSeconds === endSeconds);
      if (!repeated) truths.push({ startSeconds, endSeconds });
      byText.set(text, truths);
    }
    for (const [text, truths] of byText) queries.push({ clip, text, truths });
  });
  const notices: EvaluationNotice[] = [];
  if (turned > 0)
    notices.push({
      code: "MOMENTS_TURNED",
      message: `Moments that are written end first, and were turned round: ${turned}.`,
    });
  if (leftOut > 0) {
    notices.push({
      code: "MOMENTS_LEFT_OUT",
      message: `Moments left out, as they have no length within their clip: ${leftOut}.`,
    });
  }
  return { queries, notices };
}

/** The distinct texts, in order: captions of a clip whose queries are listed with times. */
export function distinctTexts(moments: readonly { text: string }[]): string[] {
  return [...new Set(moments.map(({ text }) => text))];
}
