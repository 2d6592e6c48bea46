import "reflect-metadata";
import { GraphQLDateTime } from "graphql-scalars";
import { Field, Float, Int, ObjectType } from "type-graphql";
import type { EvaluationRecord, EvaluationSource } from "../../catalog/index.js";
import { UserError } from "../errors.js";
import { toGlobalId } from "../ids.js";
import { Node } from "../node.js";
import { PageInfo } from "../paging.js";
import { EvaluationNotice, EvaluationTimings, MissingClips } from "./details.js";
import {
  ClipScoring,
  EvaluationDataset,
  EvaluationSourceKind,
  EvaluationStage,
  EvaluationState,
  RetrievalDirection,
} from "./enums.js";
import { MomentMetrics, RelevanceMetrics, RetrievalMetrics } from "./figures.js";

@ObjectType({
  implements: Node,
  simpleResolvers: true,
  description: "The work of measuring one model pack on one split of a data set, and what came of it.",
})
export class Evaluation extends Node {
  @Field(() => EvaluationDataset, { description: "The benchmark." })
  dataset!: EvaluationDataset;

  @Field(() => String, { description: "The split." })
  split!: string;

  @Field(() => EvaluationSourceKind, { description: "Where the clips come from." })
  source!: EvaluationSourceKind;

  @Field(() => [String], {
    nullable: true,
    description: "Names of the experts that take part; null as long as it is not known which experts the pack has.",
  })
  experts!: readonly string[] | null;

  @Field(() => [RetrievalDirection], { description: "What is measured." })
  directions!: RetrievalDirection[];

  @Field(() => ClipScoring, { description: "What of a clip is scored." })
  clipScoring!: ClipScoring;

  @Field(() => Int, { description: "Seed of the draws behind the confidence intervals." })
  seed!: number;

  @Field(() => String, {
    nullable: true,
    description: "Name that the runs of one model, trained from several seeds, share; null outside such a series.",
  })
  series!: string | null;

  @Field(() => String, { nullable: true, description: "Notes of the runner, if there are any." })
  notes!: string | null;

  @Field(() => EvaluationState, { description: "Where the evaluation stands." })
  state!: EvaluationState;

  @Field(() => EvaluationStage, { description: "What the evaluation is doing, or was doing when it ended." })
  stage!: EvaluationStage;

  @Field(() => Float, { description: "Share of the work that is done, 0 to 1." })
  progress!: number;

  @Field(() => Int, { description: "Attempts begun so far." })
  attempts!: number;

  @Field(() => Int, { description: "Attempts after which the evaluation is given up." })
  maxAttempts!: number;

  @Field(() => String, {
    nullable: true,
    description: "Stable code of the last failure, e.g. `DATASET_INVALID`; null when none happened.",
  })
  errorCode!: string | null;

  @Field(() => String, { nullable: true, description: "The last failure, in words; null when none happened." })
  errorMessage!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Name and version of the model pack, `name@version`; null until it was opened.",
  })
  modelPack!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The data set's own name; null until it was opened.",
  })
  datasetTitle!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Hash of what was read of the data set: captions, splits, list of features; null until it was opened.",
  })
  datasetVersion!: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Hash of everything that decides the figures: evaluations with the same hash have the same figures. Null until model pack and data set were opened.",
  })
  provenanceHash!: string | null;

  @Field(() => Int, {
    nullable: true,
    description: "Clips of the split, as the data set lists it; null until the evaluation is completed.",
  })
  clips!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: "Clips that were ranked; null until the evaluation is completed.",
  })
  pool!: number | null;

  @Field(() => MissingClips, {
    nullable: true,
    description: "Clips that could not take part; null until the evaluation is completed.",
  })
  missing!: MissingClips | null;

  @Field(() => [RetrievalMetrics], {
    nullable: true,
    description: "The paper's metrics, for each direction; null until the evaluation is completed.",
  })
  metrics!: RetrievalMetrics[] | null;

  @Field(() => [RelevanceMetrics], {
    nullable: true,
    description:
      "Metrics of queries with several right clips, for each wording of them, empty where the data set has none; null until the evaluation is completed.",
  })
  relevance!: RelevanceMetrics[] | null;

  @Field(() => MomentMetrics, {
    nullable: true,
    description: "Metrics of moments; null where the data set gives no times, and until the evaluation is completed.",
  })
  moments!: MomentMetrics | null;

  @Field(() => EvaluationTimings, {
    nullable: true,
    description: "Where the time went; null until the evaluation is completed.",
  })
  timings!: EvaluationTimings | null;

  @Field(() => [EvaluationNotice], {
    nullable: true,
    description: "What is worth knowing about the figures; null until the evaluation is completed.",
  })
  notices!: EvaluationNotice[] | null;

  @Field(() => GraphQLDateTime, { description: "When the evaluation was submitted." })
  createdAt!: Date;

  @Field(() => GraphQLDateTime, { nullable: true, description: "When the last attempt began; null before the first." })
  startedAt!: Date | null;

  @Field(() => GraphQLDateTime, { nullable: true, description: "When the evaluation ended; null until it did." })
  finishedAt!: Date | null;

  /** The evaluation as GraphQL shows it: without the server's paths. */
  static from(record: EvaluationRecord): Evaluation {
    const { order, result } = record;
    return Object.assign(new Evaluation(), {
      id: toGlobalId("Evaluation", record.id),
      dataset: EvaluationDataset[order.dataset],
      split: order.split,
      source: SOURCE_KINDS[order.source.kind],
      experts: result?.experts ?? order.experts,
      directions: order.directions.map((direction) => RetrievalDirection[direction]),
      clipScoring: ClipScoring[order.clipScoring],
      seed: order.seed,
      series: order.series,
      notes: order.notes,
      state: EvaluationState[record.state],
      stage: EvaluationStage[record.stage],
      progress: record.progress,
      attempts: record.attempts,
      maxAttempts: record.maxAttempts,
      errorCode: record.errorCode,
      errorMessage: record.errorMessage,
      modelPack: record.packId,
      datasetTitle: record.datasetTitle,
      datasetVersion: record.datasetVersion,
      provenanceHash: record.provenanceHash,
      clips: result?.clips ?? null,
      pool: result?.pool ?? null,
      missing: result?.missing ?? null,
      metrics: result?.retrieval ?? null,
      relevance: result?.relevance ?? null,
      moments: result?.moments ? MomentMetrics.from(result.moments) : null,
      timings: result?.timings ?? null,
      notices: result?.notices ?? null,
      createdAt: record.createdAt,
      startedAt: record.startedAt,
      finishedAt: record.finishedAt,
    });
  }
}

const SOURCE_KINDS: Readonly<Record<EvaluationSource["kind"], EvaluationSourceKind>> = {
  features: EvaluationSourceKind.FEATURES,
  media: EvaluationSourceKind.MEDIA,
  index: EvaluationSourceKind.INDEX,
};

@ObjectType({ simpleResolvers: true, description: "An evaluation in a list." })
export class EvaluationEdge {
  @Field(() => String, { description: "Place in the list, for `after`." })
  cursor!: string;

  @Field(() => Evaluation, { description: "The evaluation." })
  node!: Evaluation;
}

@ObjectType({ simpleResolvers: true, description: "A page of evaluations, newest first." })
export class EvaluationConnection {
  @Field(() => [EvaluationEdge], { description: "The evaluations with their cursors." })
  edges!: EvaluationEdge[];

  @Field(() => [Evaluation], { description: "The evaluations alone." })
  nodes!: Evaluation[];

  @Field(() => PageInfo, { description: "Where the page lies in the list." })
  pageInfo!: PageInfo;

  /** Counts all evaluations of the list; run only when a client asks. */
  countAll!: () => Promise<number>;
}

@ObjectType({ simpleResolvers: true, description: "What became of a submission." })
export class RunEvaluationPayload {
  @Field(() => Evaluation, {
    nullable: true,
    description: "The evaluation, which goes on in the background; null when the submission was refused.",
  })
  evaluation!: Evaluation | null;

  @Field(() => [UserError], { description: "Why the submission was refused; empty when it was accepted." })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: "What became of a cancellation." })
export class CancelEvaluationPayload {
  @Field(() => Evaluation, {
    nullable: true,
    description: "The evaluation as it stands now; one that had ended before is as it was. Null when there is none.",
  })
  evaluation!: Evaluation | null;

  @Field(() => [UserError], { description: "Why nothing could be cancelled; empty when it could." })
  userErrors!: UserError[];
}
