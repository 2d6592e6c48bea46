import type { EvaluationNotice, EvaluationOrder, MissingClips } from "../../catalog/index.js";
import type { ModelPack } from "../../models/index.js";
import type { EvaluationDataset } from "../datasets/index.js";

/** What notices are about. */
export interface NoticeParts {
  order: EvaluationOrder;
  pack: ModelPack;
  dataset: EvaluationDataset;
  /** The experts that take part. */
  experts: readonly string[];
  /** Names of those that were wanted. */
  wanted: readonly string[];
  missing: MissingClips;
  /** Number of captions that are queries, and of those in which no word is known. */
  captions: number;
  unknownCaptions: number;
  /** Clips of the pool without a caption. */
  uncaptioned: number;
}

/** What is worth knowing about the figures: of the data set first, then of the pack, the clips and the queries. */
export function noticesOf(parts: NoticeParts): EvaluationNotice[] {
  return [
    ...parts.dataset.notices,
    ...tokenLimits(parts),
    ...scoring(parts),
    ...withoutFeatures(parts),
    ...missingClips(parts),
    ...unknownWords(parts),
    ...withoutCaptions(parts),
  ];
}

function tokenLimits({ order, pack, dataset, experts }: NoticeParts): EvaluationNotice[] {
  const { textTokens, maxTokens } = dataset.protocol;
  const { manifest } = pack;
  const differing: string[] = [];
  const { wordLimit } = manifest.textEncoder;
  if (textTokens !== null && textTokens !== wordLimit) differing.push(`${wordLimit} words instead of ${textTokens}`);
  // A segment has its own limits, which are no matter of the benchmark.
  const limited = order.clipScoring === "WHOLE_CLIP" ? manifest.experts : [];
  for (const { name, aggregation, maxTokens: limit } of limited) {
    const usual = maxTokens[name];
    if (!experts.includes(name) || aggregation !== "sequence" || usual === undefined || usual === limit) continue;
    differing.push(`${limit} tokens of ${name} instead of ${usual}`);
  }
  if (differing.length === 0) return [];
  return [
    {
      code: "TOKEN_LIMITS_DIFFER",
      message: `The model pack was trained with other limits than the benchmark's, and its own count: ${differing.join(", ")}.`,
    },
  ];
}

function scoring({ order, dataset }: NoticeParts): EvaluationNotice[] {
  const notices: EvaluationNotice[] = [];
  if (order.clipScoring === "BEST_SEGMENT" && order.dataset !== "CUSTOM") {
    notices.push({
      code: "SCORED_BY_SEGMENTS",
      message: "A clip scores as its best segment, as in a search; the paper scores whole clips (WHOLE_CLIP).",
    });
  }
  if (order.clipScoring === "WHOLE_CLIP" && dataset.moments.length > 0) {
    notices.push({
      code: "MOMENTS_NEED_SEGMENTS",
      message: "The data set gives times, but moments are found among segments only: evaluate media as BEST_SEGMENT.",
    });
  }
  return notices;
}

function withoutFeatures({ experts, wanted }: NoticeParts): EvaluationNotice[] {
  const absent = wanted.filter((name) => !experts.includes(name));
  if (absent.length === 0) return [];
  return [
    {
      code: "EXPERTS_WITHOUT_FEATURES",
      message: `The data set has no features of ${absent.join(", ")}, which count as missing in every clip.`,
    },
  ];
}

function missingClips({ missing, dataset }: NoticeParts): EvaluationNotice[] {
  const { examples: _, ...counts } = missing;
  const nouns = {
    notFound: "not found",
    unreadable: "unreadable",
    withoutExpert: "without an expert that heard or saw anything",
    withoutCaption: "without a caption",
  };
  const reasons = Object.entries(nouns).flatMap(([kind, noun]) => {
    const count = counts[kind as keyof typeof counts];
    return count > 0 ? [`${count} ${noun}`] : [];
  });
  if (reasons.length === 0) return [];
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return [
    {
      code: "CLIPS_MISSING",
      message: `Clips that are not in the pool: ${total} of ${dataset.clips.length} (${reasons.join(", ")}). A smaller pool makes retrieval easier.`,
    },
  ];
}

function unknownWords({ captions, unknownCaptions }: NoticeParts): EvaluationNotice[] {
  if (unknownCaptions === 0) return [];
  return [
    {
      code: "UNKNOWN_WORDS",
      message: `Captions without a word that the model pack knows: ${unknownCaptions} of ${captions}. They count all the same.`,
    },
  ];
}

function withoutCaptions({ order, captions, uncaptioned }: NoticeParts): EvaluationNotice[] {
  if (uncaptioned === 0 || captions === 0 || !order.directions.includes("A2T")) return [];
  return [
    {
      code: "A2T_LEFT_OUT",
      message: `${uncaptioned} clips of the pool have no caption of their own, so no clip looks for captions.`,
    },
  ];
}
