import { createEncoder, type Encoder } from "../../encoding/index.js";
import { findFfmpeg } from "../../media/index.js";
import { chooseExperts } from "../../models/index.js";
import { encodeClips, takesPart, type ClipSource, type EncodedClips } from "../clips/index.js";
import { resolveMedia } from "../datasets/index.js";
import { packQueries, scoreEvaluation, type MomentPairs } from "../scoring/index.js";
import { figuresOfMoments, momentAnswers } from "./clip-moments.js";
import { expertsWithFeatures, fittingWords } from "./features-fit.js";
import { asked, assemble, checkPool, checkSize, encodeQueries, type Measured, type Measuring } from "./measured.js";
import { mediaFingerprint } from "./provenance.js";
import { planQueries, type QueryPlan } from "./queries.js";
import { spoolFolder } from "./spool-folders.js";

/**
 * Measures clips whose features or media lie in a folder: encodes them, then the captions, and scores all against all.
 *
 * @throws FeaturesDoNotFitError, DatasetEmptyError, DatasetInvalidError, FfmpegNotFoundError, EvaluationTooLargeError,
 *   VectorInvalidError, the errors of inference, and the signal's reason when aborted
 */
export async function measureClips(measuring: Measuring): Promise<Measured> {
  const { parts, evaluation, open, dataset, stages, identify, signal } = measuring;
  const { order } = evaluation;
  const { pack } = open;
  const wanted = chooseExperts(pack.manifest, order.experts);
  const experts = order.source.kind === "features" ? expertsWithFeatures(pack, wanted, dataset) : wanted;
  const source = await openSource(measuring);
  await identify(experts, source.kind === "media" ? source.fingerprint : null);

  if (source.kind === "media") {
    // Decoding may take hours.
    const likely = Uint32Array.from(dataset.clips.keys()).filter((place) => {
      return source.media[place] !== null && takesPart(place, { dataset });
    });
    checkSize(planQueries(dataset, likely, null), likely.length);
  }

  stages.enter("ENCODING_CLIPS");
  const clips = await encodeClips(
    { ...parts, pack, encoder: encoderOf(measuring, experts), inference: open.inference },
    {
      dataset,
      source,
      scoring: order.clipScoring,
      experts: experts.length === pack.manifest.experts.length ? null : experts,
      folder: spoolFolder(parts.options.dataDirectory, evaluation.id),
    },
    (done, all) => stages.advance(done / all),
    signal,
  );
  checkPool(clips.pool, dataset, clips.missing);

  const words = order.source.kind === "features" ? fittingWords(pack, dataset) : null;
  const { plan, texts } = await encodeQueries(measuring, clips.pool, words);

  stages.enter("SCORING");
  const areSegments = clips.ordinals !== null;
  const scored = await scoreEvaluation(
    {
      ...asked(measuring, plan, clips.pool),
      source: {
        kind: "rows",
        rows: clips.rows,
        queries: packQueries(
          texts.queries,
          pack.manifest.experts.map(({ embeddingDim }) => embeddingDim),
        ),
      },
      moments: areSegments && plan.moments.length > 0 ? momentPairs(plan) : null,
    },
    { threads: parts.options.inference.threads, signal, onProgress: (share) => stages.advance(share) },
  );
  return assemble(measuring, {
    ...{ experts, wanted, plan, texts, scored },
    pool: clips.pool,
    missing: clips.missing,
    moments: scored.moments && (await momentsOf(measuring, plan, scored.moments, clips)),
    mediaSeconds: clips.mediaSeconds,
  });
}

async function openSource({ parts, evaluation, dataset, signal }: Measuring): Promise<ClipSource> {
  const { source } = evaluation.order;
  if (source.kind !== "media") return { kind: "features" };
  const [media, tools] = await Promise.all([
    resolveMedia(dataset, source.path),
    findFfmpeg(parts.options, parts.logger),
  ]);
  return { kind: "media", media, fingerprint: await mediaFingerprint(media, signal), tools };
}

/** The pack's own encoder, or one that runs no experts but those. It shares the threads of the models. */
function encoderOf({ parts, open }: Measuring, experts: readonly string[]): Encoder {
  const { pack, inference, encoder } = open;
  if (experts.length === pack.manifest.experts.length) return encoder;
  const { silenceThreshold } = parts.options.ingest;
  return createEncoder(pack, inference, { experts, silenceThreshold });
}

function momentPairs({ moments }: QueryPlan): MomentPairs {
  return {
    query: Uint32Array.from(moments, ({ query }) => query),
    clip: Uint32Array.from(moments, ({ clip }) => clip),
  };
}

async function momentsOf(
  { parts, open, evaluation, signal }: Measuring,
  { moments: pairs }: QueryPlan,
  scores: Parameters<typeof momentAnswers>[1],
  clips: EncodedClips,
) {
  const answers = await momentAnswers(pairs, scores, clips, parts.momentFinder(open.pack.manifest), signal);
  return figuresOfMoments(pairs, answers, evaluation.order.seed);
}
