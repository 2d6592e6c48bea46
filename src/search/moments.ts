/**
 * The moment rule: from the scores of one video's segments to the times shown to a person.
 *
 * Segments overlap: the starter pack listens through a window of 3.84 s which moves on by 1.92 s. A
 * short sound is therefore heard by two neighbouring segments, and neither of their spans is the
 * answer: the sound lies where they overlap. The rule works on *cells* of one hop each.
 *
 * 1. **Level.** A score means little by itself: how far it stands above the video's own background
 *    does. The background is a low quantile of the video's scores, so that a sound which fills much
 *    of a short video does not become its own background.
 * 2. **Peak and growth.** The best segment is a peak. It grows over its neighbours while they are
 *    close to it: within a share of the peak's height over the background, or within a fixed
 *    tolerance where the whole video sounds alike. A single weaker segment is bridged.
 * 3. **Narrowing.** An event inside cell c is heard by every segment which covers c. So a cell
 *    belongs to the moment when no segment covering it falls out of the run. For n neighbouring
 *    segments of two cells that leaves the n - 1 cells in which they overlap. A single segment
 *    between two low ones is the event which straddles its middle: it keeps its whole span. At the
 *    ends of a video a cell has one segment only: it is in unless that segment hears less than its
 *    neighbour.
 * 4. **More moments.** The next peak is the best local maximum outside the spans found so far. (A
 *    segment on the slope of a peak hears the edge of the same event; it is no maximum.) It has to
 *    stand high enough beside the video's best one.
 *
 * A segment which was not indexed because it is silent counts as one that hears nothing.
 */

/** One segment of a video with its score for a query. */
export interface SegmentScore {
  /** Number of the segment in its video, from 0; gaps are segments which are silent. */
  ordinal: number;
  /** Seconds from the start of the video. */
  startSeconds: number;
  /** Seconds from the start of the video; for the last segment, the end of the sound. */
  endSeconds: number;
  /** The exact score of architecture section 5, about -1 to 1. */
  score: number;
}

/** A span of a video in which the query is heard. */
export interface MomentSpan {
  /** Seconds from the start of the video. */
  startSeconds: number;
  /** Seconds from the start of the video. */
  endSeconds: number;
  /** Score of the moment's best segment. */
  score: number;
}

/** The grid on which the index was cut: `segment` of the pack's manifest, in seconds. */
export interface SegmentGrid {
  /** Distance between the starts of two segments, in seconds. */
  hopSeconds: number;
  /** Length of a segment, in seconds. */
  lengthSeconds: number;
}

/**
 * The constants of the rule. Scores are compared as logits of the pack's calibration
 * (`slope * score + intercept`), so that they mean the same with every pack.
 */
export interface MomentRule {
  /** Quantile (0..1) of the video's segment scores which is taken as its background. */
  backgroundQuantile: number;
  /** A neighbour joins when it reaches this share (0..1) of the peak's height over the background. */
  growthShare: number;
  /** A neighbour this close to the peak joins in any case, in logits. */
  growthTolerance: number;
  /** A weaker segment between two that join is bridged when it reaches this share of the height. */
  bridgeShare: number;
  /** A further moment must reach this share (0..1) of the best moment's height over the background. */
  furtherShare: number;
  /** A further moment must have at least this relevance (probability, 0..1). */
  furtherRelevance: number;
  /** A further moment within this many logits of the best one is kept whatever its share. */
  furtherTolerance: number;
}

/**
 * The values in use. Measured on 86 queries with known times (starter pack 1.0.0): the overlap of the best moment with
 * the truth, as intersection over union, is 0.47 on average; the whole span of the best segment would give 0.36. All
 * shares from 0.4 to 0.6 and quantiles from 0.25 to 0.5 lie within 0.02 of each other.
 */
export const MOMENT_RULE: Readonly<MomentRule> = {
  backgroundQuantile: 0.25,
  growthShare: 0.5,
  growthTolerance: 1,
  bridgeShare: 0.3,
  furtherShare: 0.5,
  furtherRelevance: 0.05,
  furtherTolerance: 0.5,
};

/** How scores become logits and relevance: `calibration` of the pack's manifest. */
export interface ScoreScale {
  /** Logits per unit of score; above 0. */
  slope: number;
  /** Logit of score 0. */
  intercept: number;
}

/** Segments `first..last` by position in the ordered list. */
interface Run {
  first: number;
  last: number;
}

/**
 * The moments of one video for one query, best first, never overlapping or touching.
 *
 * @param segments All indexed segments of the video, ordered by `ordinal`.
 * @param durationSeconds Length of the video's sound; it tells whether silent segments follow the
 *   last indexed one. Null when unknown.
 * @param limit The most moments to return, at least 1.
 * @returns At least one moment when there is a segment.
 */
export function findMoments(
  segments: readonly SegmentScore[],
  grid: SegmentGrid,
  durationSeconds: number | null,
  scale: ScoreScale,
  limit: number,
  rule: MomentRule = MOMENT_RULE,
): MomentSpan[] {
  if (segments.length === 0) return [];
  const logits = segments.map((segment) => scale.slope * segment.score + scale.intercept);
  const background = quantile(logits, rule.backgroundQuantile);
  const order = logits.map((_, position) => position).sort((a, b) => at(logits, b) - at(logits, a) || a - b);
  const best = at(logits, order[0] ?? 0);
  const furtherLogit = Math.max(
    Math.min(background + rule.furtherShare * (best - background), best - rule.furtherTolerance),
    Math.log(rule.furtherRelevance / (1 - rule.furtherRelevance)),
  );

  const found: MomentSpan[] = [];
  // One more than asked for is looked for first: a later peak may turn out to touch an earlier
  // moment and join it.
  for (const peak of order) {
    if (found.length > limit) break;
    if (found.length > 0 && (at(logits, peak) < furtherLogit || !isLocalMaximum(segments, logits, peak))) continue;
    const run = grow(segments, logits, peak, background, rule);
    const span = narrow(segments, logits, run, grid, durationSeconds, rule);
    const segment = at(segments, peak);
    if (found.some((moment) => overlapSeconds(moment, segment) > (segment.endSeconds - segment.startSeconds) / 2))
      continue;
    join(found, { ...span, score: segment.score });
  }
  return found.slice(0, limit);
}

/** Adds a moment, or widens the earlier and better one which it overlaps or touches. */
function join(found: MomentSpan[], span: MomentSpan): void {
  const touched = found.find(
    (moment) => span.startSeconds <= moment.endSeconds && span.endSeconds >= moment.startSeconds,
  );
  if (touched === undefined) {
    found.push(span);
    return;
  }
  found.splice(found.indexOf(touched), 1);
  join(found, {
    startSeconds: Math.min(touched.startSeconds, span.startSeconds),
    endSeconds: Math.max(touched.endSeconds, span.endSeconds),
    score: Math.max(touched.score, span.score),
  });
  found.sort((a, b) => b.score - a.score);
}

function grow(
  segments: readonly SegmentScore[],
  logits: readonly number[],
  peak: number,
  background: number,
  rule: MomentRule,
): Run {
  const top = at(logits, peak);
  const height = top - background;
  const joins = Math.min(background + rule.growthShare * height, top - rule.growthTolerance);
  const bridges = Math.min(background + rule.bridgeShare * height, joins);
  const reach = (step: 1 | -1): number => {
    let end = peak;
    for (;;) {
      const next = end + step;
      if (!areNeighbours(segments, end, next)) return end;
      if (at(logits, next) >= joins) {
        end = next;
        continue;
      }
      const beyond = next + step;
      if (!areNeighbours(segments, next, beyond)) return end;
      if (at(logits, next) < bridges || at(logits, beyond) < joins) return end;
      end = beyond;
    }
  };
  return { first: reach(-1), last: reach(1) };
}

function narrow(
  segments: readonly SegmentScore[],
  logits: readonly number[],
  run: Run,
  grid: SegmentGrid,
  durationSeconds: number | null,
  rule: MomentRule,
): { startSeconds: number; endSeconds: number } {
  const first = at(segments, run.first);
  const last = at(segments, run.last);
  const whole = { startSeconds: first.startSeconds, endSeconds: last.endSeconds };
  const segmentBefore = first.ordinal > 0;
  const segmentAfter =
    run.last < segments.length - 1 ||
    (durationSeconds !== null && last.ordinal * grid.hopSeconds + grid.lengthSeconds < durationSeconds);

  // What a segment next to the run covers, which does not hear the event, is out. At the ends of the
  // video there is no such segment: there the outer cell is out when the segment with it hears less
  // than its neighbour. Two segments alike hear the same cell; in a longer run, all are full of it.
  const tolerance = run.last - run.first > 1 ? rule.growthTolerance : 0;
  const hearsLess = (outer: number, inner: number): boolean =>
    run.first < run.last && at(logits, outer) < at(logits, inner) - tolerance;
  const trimStart = segmentBefore || hearsLess(run.first, run.first + 1);
  const trimEnd = segmentAfter || hearsLess(run.last, run.last - 1);
  const overlap = grid.lengthSeconds - grid.hopSeconds;
  const startSeconds = trimStart ? first.startSeconds + overlap : whole.startSeconds;
  const endSeconds = trimEnd ? Math.min(last.startSeconds + grid.hopSeconds, whole.endSeconds) : whole.endSeconds;
  return endSeconds > startSeconds ? { startSeconds, endSeconds } : whole;
}

function isLocalMaximum(segments: readonly SegmentScore[], logits: readonly number[], position: number): boolean {
  const own = at(logits, position);
  return [position - 1, position + 1].every(
    (neighbour) => !areNeighbours(segments, position, neighbour) || at(logits, neighbour) <= own,
  );
}

/** Whether both positions exist and no silent segment lies between them. */
function areNeighbours(segments: readonly SegmentScore[], a: number, b: number): boolean {
  const left = segments[a];
  const right = segments[b];
  return left !== undefined && right !== undefined && Math.abs(left.ordinal - right.ordinal) === 1;
}

function overlapSeconds(
  a: { startSeconds: number; endSeconds: number },
  b: { startSeconds: number; endSeconds: number },
): number {
  return Math.min(a.endSeconds, b.endSeconds) - Math.max(a.startSeconds, b.startSeconds);
}

/** Linear interpolation between order statistics. */
function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = q * (sorted.length - 1);
  const low = Math.floor(rank);
  const fraction = rank - low;
  return at(sorted, low) * (1 - fraction) + at(sorted, Math.min(low + 1, sorted.length - 1)) * fraction;
}

function at<T>(list: readonly T[], position: number): T {
  const value = list[position];
  if (value === undefined) throw new RangeError(`no element ${position} in a list of ${list.length}`);
  return value;
}
