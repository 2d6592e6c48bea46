import { segmentSamples } from "../encoding/index.js";
import type { PackManifest } from "../models/index.js";
import type { VideoHit } from "../vectors/index.js";
import { findMoments, type MomentSpan } from "./moments.js";

/**
 * Finds the moments of one video for one query, best first.
 *
 * @param hit numbers and scores of all of the video's segments, in order of time
 * @param durationSeconds length of the video; null when unknown
 * @param limit the most moments to return, at least 1
 * @returns at least one moment when there is a segment
 */
export type MomentFinder = (
  hit: Pick<VideoHit, "ordinals" | "scores">,
  durationSeconds: number | null,
  limit: number,
) => MomentSpan[];

/** Makes the finder of moments for videos that were cut as a pack says. */
export function createMomentFinder({ segment, sampleRate, calibration }: PackManifest): MomentFinder {
  const grid = { hopSeconds: segment.hopSamples / sampleRate, lengthSeconds: segment.lengthSamples / sampleRate };
  return ({ ordinals, scores }, durationSeconds, limit) => {
    const samples = durationSeconds === null ? Infinity : Math.round(durationSeconds * sampleRate);
    // Times follow from the numbers: nothing has to be read for them.
    const segments = Array.from(ordinals, (ordinal, place) => {
      const { start, end } = segmentSamples(ordinal, segment, samples);
      return { ordinal, startSeconds: start / sampleRate, endSeconds: end / sampleRate, score: scores[place] ?? NaN };
    });
    return findMoments(segments, grid, durationSeconds, calibration, limit);
  };
}
