import type {
  EvaluationOrder,
  EvaluationRankRecord,
  EvaluationRecord,
  EvaluationResult,
  MissingClips,
  MomentFigures,
} from "../../catalog/index.js";
import type { PackRuntime } from "../../encoding/index.js";
import { DatasetEmptyError, EvaluationTooLargeError } from "../../errors.js";
import type { EvaluationDataset, WordFeatures } from "../datasets/index.js";
import { MOST_SCORES, type ScoringRequest, type ScoringResult } from "../scoring/index.js";
import { encodeTexts, type EncodedTexts } from "./encode-queries.js";
import { noticesOf } from "./notices.js";
import type { RunParts } from "./parts.js";
import type { ProvenanceParts } from "./provenance.js";
import { planQueries, scoredCaptions, type QueryPlan } from "./queries.js";
import { rankRecords } from "./rank-records.js";
import type { Stages } from "./stages.js";

/** What a measurement works with. */
export interface Measuring {
  parts: RunParts;
  evaluation: EvaluationRecord;
  open: PackRuntime;
  dataset: EvaluationDataset;
  stages: Stages;
  /** Writes what it turned out to measure, by the experts and what tells the clips, before it takes long. */
  identify: (experts: readonly string[], clips: ProvenanceParts["clips"]) => Promise<void>;
  signal: AbortSignal;
}

/** What came out, to be written in one transaction. */
export interface Measured {
  result: Omit<EvaluationResult, "timings">;
  ranks: EvaluationRankRecord[];
  /** Seconds of media that were encoded; null unless the source is media. */
  mediaSeconds: number | null;
}

/**
 * Plans the queries over a pool, refuses what cannot be scored, and encodes the texts.
 *
 * @param words the data set's word vectors, where the pack takes them; null: texts are encoded
 * @throws EvaluationTooLargeError, DatasetEmptyError, the errors of {@link encodeTexts}
 */
export async function encodeQueries(
  { open, dataset, stages, signal }: Measuring,
  pool: Uint32Array,
  words: WordFeatures | null,
): Promise<{ plan: QueryPlan; texts: EncodedTexts }> {
  stages.enter("ENCODING_CAPTIONS");
  const plan = planQueries(dataset, pool, words);
  checkSize(plan, pool.length);
  checkQueries(plan, dataset);
  return { plan, texts: await encodeTexts(open.encoder, plan.texts, (share) => stages.advance(share), signal) };
}

/** What is asked of the scoring, whatever the scores come from. */
export function asked(
  { evaluation: { order } }: Measuring,
  plan: QueryPlan,
  pool: Uint32Array,
): Omit<ScoringRequest, "source" | "moments"> {
  return {
    clips: pool.length,
    captions: scoredCaptions(plan),
    directions: measurableDirections(order, plan, pool.length),
    relevance: plan.relevance,
    seed: order.seed,
  };
}

/** What was measured, and of what. */
export interface MeasuredParts {
  /** The experts that take part, and those that were wanted. */
  experts: string[];
  wanted: readonly string[];
  /** Places of the ranked clips in the data set. */
  pool: Uint32Array;
  missing: MissingClips;
  plan: QueryPlan;
  texts: EncodedTexts;
  scored: ScoringResult;
  moments: MomentFigures | null;
  mediaSeconds: number | null;
}

/** Puts together what is stored. */
export function assemble({ evaluation, open, dataset }: Measuring, parts: MeasuredParts): Measured {
  const { experts, wanted, pool, missing, plan, texts, scored, moments, mediaSeconds } = parts;
  const { captions } = plan;
  const ids = Array.from(pool, (place) => dataset.clips[place]!.id);
  const notices = noticesOf({
    ...{ order: evaluation.order, pack: open.pack, dataset, experts, wanted, missing },
    captions: captions.length,
    unknownCaptions: captions.filter(({ query }) => texts.known[query] === false).length,
    uncaptioned: pool.length - clipsWithCaption(plan),
  });
  return {
    result: {
      packKind: open.pack.manifest.kind,
      experts,
      clips: dataset.clips.length,
      pool: pool.length,
      missing,
      retrieval: scored.retrieval.map(({ metrics }) => metrics),
      relevance: scored.relevance,
      moments,
      notices,
    },
    ranks: scored.retrieval.flatMap((direction) => rankRecords(direction, captions, ids)),
    mediaSeconds,
  };
}

/** The directions that can be measured: without captions none, and none from audio to text where a clip has none. */
function measurableDirections(
  { directions }: EvaluationOrder,
  plan: QueryPlan,
  clips: number,
): EvaluationOrder["directions"] {
  if (plan.captions.length === 0) return [];
  const allHaveCaptions = clipsWithCaption(plan) === clips;
  return directions.filter((direction) => direction === "T2A" || allHaveCaptions);
}

function clipsWithCaption({ captions }: QueryPlan): number {
  return new Set(captions.map(({ clip }) => clip)).size;
}

/**
 * Refuses an empty pool: no figure could be given.
 *
 * @throws DatasetEmptyError
 */
export function checkPool(
  pool: ArrayLike<number>,
  { title, split, clips }: EvaluationDataset,
  missing: MissingClips,
): void {
  if (pool.length > 0) return;
  const example = missing.examples[0];
  throw new DatasetEmptyError(
    `None of the ${clips.length} clips in the split "${split}" of "${title}" can take part: ${missing.notFound} not found, ` +
      `${missing.unreadable} unreadable, ${missing.withoutExpert} without an expert, ${missing.withoutCaption} without a caption.` +
      (example === undefined ? "" : ` For example ${example.clip}: ${example.reason}`),
  );
}

/**
 * Refuses a table that the scoring would refuse, before the work that comes before it.
 *
 * @param clips number of clips in the pool
 * @throws EvaluationTooLargeError
 */
export function checkSize({ texts }: Pick<QueryPlan, "texts">, clips: number): void {
  const scores = texts.length * clips;
  if (scores <= MOST_SCORES) return;
  throw new EvaluationTooLargeError(
    `${texts.length} different queries and ${clips} clips make ${scores} scores; an evaluation takes at most ` +
      `${MOST_SCORES}. Take a smaller split.`,
  );
}

/**
 * Refuses a pool of which nothing is asked.
 *
 * @throws DatasetEmptyError
 */
function checkQueries({ captions, relevance }: QueryPlan, { title, split }: EvaluationDataset): void {
  if (captions.length > 0 || relevance.length > 0) return;
  throw new DatasetEmptyError(
    `No query of the split "${split}" of "${title}" has a right clip among those that can take part.`,
  );
}
