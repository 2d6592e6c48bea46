import { queryVector, type EncodedQuery } from "../../encoding/index.js";
import { EvaluationLibraryChangedError } from "../../errors.js";
import type { VectorFilter } from "../../vectors/index.js";
import type { MomentAnswer } from "../metrics/moment-metrics.js";
import { scoreEvaluation } from "../scoring/index.js";
import { figuresOfMoments, MOMENTS_PER_QUERY } from "./clip-moments.js";
import { checkUnchanged, findIndexedClips, indexedPool, type IndexedClip } from "./index-clips.js";
import { asked, assemble, checkPool, encodeQueries, type Measured, type Measuring } from "./measured.js";
import { indexFingerprint } from "./provenance.js";
import type { QueryPlan } from "./queries.js";

/** Searches share of the stage; ranks and intervals take the rest. */
const SEARCHES_SHARE = 0.9;

/** What the searches found. */
interface Found {
  /** [texts, clips]; 0 for a text without known words, which finds nothing and prefers nothing. */
  scores: Float32Array;
  /** One for each moment pair. */
  answers: MomentAnswer[];
}

/**
 * Measures the tenant's indexed videos: every text is searched for as a search does, whatever the vector engine.
 *
 * @throws DatasetEmptyError, EvaluationTooLargeError, EvaluationLibraryChangedError, the errors of inference, catalog and
 *   vector engine, and the signal's reason when aborted
 */
export async function measureIndex(measuring: Measuring): Promise<Measured> {
  const { parts, evaluation, open, dataset, stages, identify, signal } = measuring;
  const { order, tenant } = evaluation;
  const { pack } = open;
  const experts = pack.manifest.experts.map(({ name }) => name);
  const found = await findIndexedClips(parts.catalog, tenant, pack.id, dataset.clips);
  await identify(experts, indexFingerprint(found));
  const { pool, missing } = indexedPool(dataset, found);
  checkPool(pool, dataset, missing);
  const videos = Array.from(pool, (place) => found[place]!);

  const { plan, texts } = await encodeQueries(measuring, pool, null);

  stages.enter("SCORING");
  const { scores, answers } = await searchAll(measuring, plan, texts.queries, videos);
  await checkUnchanged(parts.catalog, tenant, videos);
  const scored = await scoreEvaluation(
    { ...asked(measuring, plan, pool), source: { kind: "table", scores }, moments: null },
    {
      threads: parts.options.inference.threads,
      signal,
      onProgress: (share) => stages.advance(SEARCHES_SHARE + (1 - SEARCHES_SHARE) * share),
    },
  );
  return assemble(measuring, {
    ...{ experts, wanted: experts, pool, missing, plan, texts, scored },
    moments: figuresOfMoments(plan.moments, answers, order.seed),
    mediaSeconds: null,
  });
}

async function searchAll(
  { parts, evaluation, open, stages, signal }: Measuring,
  { texts, moments }: QueryPlan,
  queries: readonly EncodedQuery[],
  videos: readonly IndexedClip[],
): Promise<Found> {
  const { vectors } = parts;
  const { pack } = open;
  const filter: VectorFilter = { tenant: evaluation.tenant, videoIds: videos.map(({ id }) => id) };
  const patterns = await vectors.patterns(pack.id, filter);
  const places = new Map(videos.map(({ id }, place) => [id, place]));
  const finder = parts.momentFinder(pack.manifest);
  const pairsOf = new Map<number, number[]>();
  moments.forEach(({ query }, pair) => pairsOf.set(query, [...(pairsOf.get(query) ?? []), pair]));
  const scores = new Float32Array(texts.length * videos.length);
  const answers: MomentAnswer[] = moments.map(({ truths }) => ({ truths, found: [] }));
  for (const [text, query] of queries.entries()) {
    signal.throwIfAborted();
    if (query.embeddings.length > 0) {
      const row = scores.subarray(text * videos.length, (text + 1) * videos.length);
      const patternQueries = patterns.map((pattern) => ({ pattern, vector: queryVector(query, pattern) }));
      const hits = await vectors.queryVideos(pack.id, patternQueries, filter, { limit: videos.length });
      const hitOf = new Map(hits.map((hit) => [places.get(hit.videoId)!, hit]));
      checkAllFound(hitOf.size, videos.length);
      for (const [place, { score }] of hitOf) row[place] = score;
      for (const pair of pairsOf.get(text) ?? []) {
        const { clip, truths } = moments[pair]!;
        const hit = hitOf.get(clip);
        if (hit === undefined) continue;
        answers[pair] = { truths, found: finder(hit, videos[clip]!.durationSeconds, MOMENTS_PER_QUERY) };
      }
    }
    stages.advance((SEARCHES_SHARE * (text + 1)) / texts.length);
  }
  return { scores, answers };
}

/** A search without a limit finds every video that has segments, or the vectors are not those of the catalog. */
function checkAllFound(found: number, videos: number): void {
  if (found === videos) return;
  throw new EvaluationLibraryChangedError(
    `The vector index found ${found} of ${videos} videos of the data set. The evaluation begins anew; if that does not ` +
      "help, ingest the videos again.",
  );
}
