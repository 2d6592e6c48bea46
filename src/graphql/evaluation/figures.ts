import "reflect-metadata";
import { Field, Float, Int, ObjectType } from "type-graphql";
import type { MomentFigures } from "../../catalog/index.js";
import { RetrievalDirection } from "./enums.js";

@ObjectType({
  simpleResolvers: true,
  description:
    "A figure with its 95 % confidence interval: a bootstrap of 1,000 draws over the clips that the queries belong to, the pool of clips held as it is.",
})
export class EvaluationFigure {
  @Field(() => Float, { description: "The figure." })
  value!: number;

  @Field(() => Float, { description: "Lower end of the interval." })
  low!: number;

  @Field(() => Float, { description: "Upper end of the interval." })
  high!: number;
}

@ObjectType({
  simpleResolvers: true,
  description:
    "The paper's metrics of one direction. Ranks are counted from 1, those of equal scores averaged; a tie for the first place does not count for R@1.",
})
export class RetrievalMetrics {
  @Field(() => RetrievalDirection, { description: "What looked for what." })
  direction!: RetrievalDirection;

  @Field(() => Int, { description: "Number of ranks behind the figures: captions (T2A) or clips (A2T)." })
  queries!: number;

  @Field(() => Int, {
    description: "Clips (T2A) or captions (A2T) that were ranked for each query. No figure means anything without it.",
  })
  pool!: number;

  @Field(() => EvaluationFigure, { description: "R@1: percent of the queries whose right answer came first." })
  recallAt1!: EvaluationFigure;

  @Field(() => EvaluationFigure, {
    description: "R@5: percent of the queries whose right answer is among the first five.",
  })
  recallAt5!: EvaluationFigure;

  @Field(() => EvaluationFigure, {
    description: "R@10: percent of the queries whose right answer is among the first ten.",
  })
  recallAt10!: EvaluationFigure;

  @Field(() => EvaluationFigure, {
    description: "R@50: percent of the queries whose right answer is among the first fifty.",
  })
  recallAt50!: EvaluationFigure;

  @Field(() => EvaluationFigure, { description: "MdR: median rank of the right answer." })
  medianRank!: EvaluationFigure;

  @Field(() => EvaluationFigure, { description: "MnR: mean rank of the right answer." })
  meanRank!: EvaluationFigure;

  @Field(() => EvaluationFigure, { description: "Geometric mean of R@1, R@5 and R@10." })
  geometricMean!: EvaluationFigure;
}

@ObjectType({
  simpleResolvers: true,
  description: "Metrics of queries with several right clips, each a share from 0 to 1, averaged over the queries.",
})
export class RelevanceMetrics {
  @Field(() => String, { description: "How the queries are worded." })
  name!: string;

  @Field(() => Int, { description: "Number of queries." })
  queries!: number;

  @Field(() => Int, { description: "Clips that were ranked for each query." })
  pool!: number;

  @Field(() => EvaluationFigure, { description: "Mean average precision." })
  meanAveragePrecision!: EvaluationFigure;

  @Field(() => EvaluationFigure, { description: "Share of the queries whose first clip is right." })
  precisionAt1!: EvaluationFigure;

  @Field(() => EvaluationFigure, { description: "Share of the right clips that are among the first ten." })
  recallAt10!: EvaluationFigure;
}

@ObjectType({ simpleResolvers: true, description: "Recall of moments at one least overlap." })
export class MomentRecall {
  @Field(() => Float, {
    description: "Least intersection over union with which a moment counts as found: 0.3, 0.5 or 0.7.",
  })
  overlap!: number;

  @Field(() => EvaluationFigure, { description: "Share of the queries whose first moment is right." })
  recallAt1!: EvaluationFigure;
}

@ObjectType({
  simpleResolvers: true,
  description: "Metrics of moments inside the clip that a query belongs to, each a share from 0 to 1.",
})
export class MomentMetrics {
  @Field(() => Int, { description: "Number of queries." })
  queries!: number;

  @Field(() => [MomentRecall], { description: "R1@0.3, R1@0.5 and R1@0.7." })
  recall!: MomentRecall[];

  @Field(() => EvaluationFigure, {
    description: "Mean average precision, over overlaps of 0.5, 0.55, ... 0.95.",
  })
  meanAveragePrecision!: EvaluationFigure;

  @Field(() => EvaluationFigure, { description: "Average precision where an overlap of 0.5 counts as found." })
  averagePrecisionAtHalf!: EvaluationFigure;

  /** The metrics as GraphQL shows them. */
  static from({ recallAt1, ...figures }: MomentFigures): MomentMetrics {
    const recall = Object.entries(recallAt1).map(([overlap, figure]) =>
      Object.assign(new MomentRecall(), { overlap: Number(overlap), recallAt1: figure }),
    );
    return Object.assign(new MomentMetrics(), { ...figures, recall });
  }
}
