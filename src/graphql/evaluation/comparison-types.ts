import "reflect-metadata";
import { Field, Float, Int, ObjectType } from "type-graphql";
import type {
  ComparedRun,
  ComparedSeries,
  EvaluationComparison as Comparison,
} from "../../evaluation/comparison/index.js";
import { EvaluationWarningCode, PaperTable, RetrievalDirection } from "./enums.js";
import { EvaluationFigure } from "./figures.js";
import { PaperComparison } from "./paper-types.js";
import { Evaluation } from "./types.js";

@ObjectType({
  simpleResolvers: true,
  description:
    "How the metrics of one direction differ from those of the first evaluation: its own minus the first's, both drawn together, so that an interval is that of the difference. Where 0 lies outside, the evaluations differ.",
})
export class RetrievalDifferences {
  @Field(() => RetrievalDirection, { description: "What looked for what." })
  direction!: RetrievalDirection;

  @Field(() => Int, { description: "Queries that both evaluations have: the differences are those over them alone." })
  queries!: number;

  @Field(() => EvaluationFigure, { description: "Difference in R@1, in points of percent." })
  recallAt1!: EvaluationFigure;

  @Field(() => EvaluationFigure, { description: "Difference in R@5, in points of percent." })
  recallAt5!: EvaluationFigure;

  @Field(() => EvaluationFigure, { description: "Difference in R@10, in points of percent." })
  recallAt10!: EvaluationFigure;

  @Field(() => EvaluationFigure, { description: "Difference in R@50, in points of percent." })
  recallAt50!: EvaluationFigure;

  @Field(() => EvaluationFigure, { description: "Difference in the median rank; below 0 is better." })
  medianRank!: EvaluationFigure;

  @Field(() => EvaluationFigure, { description: "Difference in the mean rank; below 0 is better." })
  meanRank!: EvaluationFigure;

  @Field(() => EvaluationFigure, { description: "Difference in the geometric mean of R@1, R@5 and R@10." })
  geometricMean!: EvaluationFigure;
}

@ObjectType({ simpleResolvers: true, description: "An evaluation of a comparison." })
export class ComparedEvaluation {
  @Field(() => Evaluation, { description: "The evaluation; each of its metrics names its pool." })
  evaluation!: Evaluation;

  @Field(() => [RetrievalDifferences], {
    description:
      "Differences to the first evaluation, for each direction that both have on one data set; empty for the first one.",
  })
  differences!: RetrievalDifferences[];

  /** The run as GraphQL shows it. */
  static from({ evaluation, differences }: ComparedRun): ComparedEvaluation {
    return Object.assign(new ComparedEvaluation(), {
      evaluation: Evaluation.from(evaluation),
      differences: differences.map(({ figures, ...of }) =>
        Object.assign(new RetrievalDifferences(), of, figures, { direction: RetrievalDirection[of.direction] }),
      ),
    });
  }
}

@ObjectType({ simpleResolvers: true, description: "A metric over the evaluations of a series." })
export class SeedFigure {
  @Field(() => Float, { description: "Mean." })
  mean!: number;

  @Field(() => Float, { description: "Standard deviation with n, as the paper's tables have it." })
  populationStd!: number;

  @Field(() => Float, {
    nullable: true,
    description:
      "Standard deviation with n - 1, as the tables beside the paper's code have it; null for one evaluation.",
  })
  sampleStd!: number | null;
}

@ObjectType({
  simpleResolvers: true,
  description: "The paper's metrics of one direction over the evaluations of a series.",
})
export class SeriesMetrics {
  @Field(() => RetrievalDirection, { description: "What looked for what." })
  direction!: RetrievalDirection;

  @Field(() => Int, {
    nullable: true,
    description:
      "Clips (T2A) or captions (A2T) that were ranked for each query; null where the evaluations differ in it.",
  })
  pool!: number | null;

  @Field(() => SeedFigure, { description: "R@1." })
  recallAt1!: SeedFigure;

  @Field(() => SeedFigure, { description: "R@5." })
  recallAt5!: SeedFigure;

  @Field(() => SeedFigure, { description: "R@10." })
  recallAt10!: SeedFigure;

  @Field(() => SeedFigure, { description: "R@50." })
  recallAt50!: SeedFigure;

  @Field(() => SeedFigure, { description: "Median rank." })
  medianRank!: SeedFigure;

  @Field(() => SeedFigure, { description: "Mean rank." })
  meanRank!: SeedFigure;

  @Field(() => SeedFigure, { description: "Geometric mean of R@1, R@5 and R@10." })
  geometricMean!: SeedFigure;
}

@ObjectType({ simpleResolvers: true, description: "Evaluations of one model that was trained from several seeds." })
export class EvaluationSeries {
  @Field(() => String, { description: "Name of the series." })
  name!: string;

  @Field(() => [Evaluation], { description: "Its evaluations, one for each seed." })
  evaluations!: Evaluation[];

  @Field(() => [SeriesMetrics], { description: "Mean and deviations, for each direction that all of them have." })
  metrics!: SeriesMetrics[];

  /** The series as GraphQL shows it. */
  static from({ name, runs, metrics }: ComparedSeries): EvaluationSeries {
    return Object.assign(new EvaluationSeries(), {
      name,
      evaluations: runs.map((run) => Evaluation.from(run)),
      metrics: metrics.map(({ direction, pool, figures }) =>
        Object.assign(new SeriesMetrics(), figures, { direction: RetrievalDirection[direction], pool }),
      ),
    });
  }
}

@ObjectType({ simpleResolvers: true, description: "Something that makes the figures of a comparison less comparable." })
export class EvaluationWarning {
  @Field(() => EvaluationWarningCode, { description: "Cause, stable." })
  code!: EvaluationWarningCode;

  @Field(() => String, { description: "The warning in words, in English." })
  message!: string;
}

@ObjectType({ simpleResolvers: true, description: "Evaluations beside each other, and beside the paper." })
export class EvaluationComparison {
  @Field(() => [ComparedEvaluation], { description: "The evaluations, in the order that was asked for." })
  evaluations!: ComparedEvaluation[];

  @Field(() => [EvaluationSeries], {
    description: "The series that evaluations belong to, each with data set and split of its own.",
  })
  series!: EvaluationSeries[];

  @Field(() => PaperComparison, { nullable: true, description: "The paper's table; null when none was asked for." })
  paper!: PaperComparison | null;

  @Field(() => [EvaluationWarning], { description: "What is to be kept in mind." })
  warnings!: EvaluationWarning[];

  /** The comparison as GraphQL shows it. */
  static from({ runs, series, paper, warnings }: Comparison): EvaluationComparison {
    return Object.assign(new EvaluationComparison(), {
      evaluations: runs.map((run) => ComparedEvaluation.from(run)),
      series: series.map((of) => EvaluationSeries.from(of)),
      paper: paper === null ? null : PaperComparison.from(PaperTable[paper.table], paper.rows),
      warnings: warnings.map(({ code, message }) =>
        Object.assign(new EvaluationWarning(), { code: EvaluationWarningCode[code], message }),
      ),
    });
  }
}
