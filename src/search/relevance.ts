/**
 * From a score to a relevance: the probability, between 0 and 1, that a hit is right, by the logistic
 * calibration which the pack's manifest carries.
 */
import type { ScoreScale } from "./moments.js";

/** Relevance of a score: `1 / (1 + exp(-(slope * score + intercept)))`. */
export function relevanceOf(score: number, scale: ScoreScale): number {
  return 1 / (1 + Math.exp(-(scale.slope * score + scale.intercept)));
}

/** Score at which a relevance is reached: the inverse of {@link relevanceOf}; infinite at 0 and 1. */
export function scoreOf(relevance: number, scale: ScoreScale): number {
  return (Math.log(relevance / (1 - relevance)) - scale.intercept) / scale.slope;
}
