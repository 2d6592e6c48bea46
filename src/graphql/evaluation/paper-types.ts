import "reflect-metadata";
import { Field, Float, Int, ObjectType } from "type-graphql";
import type { ComparedPaperRow } from "../../evaluation/comparison/index.js";
import { EvaluationDataset, PaperModel, PaperTable, RetrievalDirection } from "./enums.js";
import { Evaluation } from "./types.js";

@ObjectType({ simpleResolvers: true, description: "A figure as the paper prints it: over three seeds, in percent." })
export class PaperFigure {
  @Field(() => Float, { description: "Mean." })
  mean!: number;

  @Field(() => Float, { description: "Standard deviation with n = 3." })
  populationStd!: number;
}

@ObjectType({ simpleResolvers: true, description: "What the paper prints for one direction." })
export class PaperMetrics {
  @Field(() => RetrievalDirection, { description: "What looked for what." })
  direction!: RetrievalDirection;

  @Field(() => PaperFigure, { description: "R@1." })
  recallAt1!: PaperFigure;

  @Field(() => PaperFigure, { description: "R@10." })
  recallAt10!: PaperFigure;
}

@ObjectType({ simpleResolvers: true, description: "Tokens to which the paper cuts or pads its inputs." })
export class PaperPadding {
  @Field(() => String, { description: "The paper's name for it: z0 or z1." })
  name!: string;

  @Field(() => Int, { description: "Words of a caption." })
  text!: number;

  @Field(() => Int, { description: "Tokens of VGGish." })
  vggish!: number;

  @Field(() => Int, { description: "Tokens of VGGSound." })
  vggsound!: number;
}

@ObjectType({
  simpleResolvers: true,
  description: "How far our figures of one direction lie from the paper's: ours minus its mean, in points of percent.",
})
export class PaperDifferences {
  @Field(() => RetrievalDirection, { description: "What looked for what." })
  direction!: RetrievalDirection;

  @Field(() => Int, {
    nullable: true,
    description:
      "Clips (T2A) or captions (A2T) that we ranked for each query; null where the evaluations of a series differ in it.",
  })
  pool!: number | null;

  @Field(() => Float, { description: "Difference in R@1." })
  recallAt1!: number;

  @Field(() => Float, { description: "Difference in R@10." })
  recallAt10!: number;
}

@ObjectType({
  simpleResolvers: true,
  description: "An evaluation, or a series of them, with the data set, experts and model of a row of the paper.",
})
export class PaperMatch {
  @Field(() => Evaluation, { nullable: true, description: "The evaluation; null for a series." })
  evaluation!: Evaluation | null;

  @Field(() => String, {
    nullable: true,
    description: "Name of the series, whose means are compared; null for an evaluation.",
  })
  series!: string | null;

  @Field(() => [PaperDifferences], { description: "Differences to the paper, for each direction." })
  differences!: PaperDifferences[];
}

@ObjectType({ simpleResolvers: true, description: "A row of a table of the paper, and what can be set beside it." })
export class PaperRow {
  @Field(() => String, { description: "What the row is about." })
  label!: string;

  @Field(() => EvaluationDataset, { description: "The benchmark." })
  dataset!: EvaluationDataset;

  @Field(() => Int, { description: "Clips of the test split, all of which were ranked." })
  pool!: number;

  @Field(() => [String], { description: "The experts, by the names that model packs use." })
  experts!: readonly string[];

  @Field(() => PaperModel, { description: "How the experts are put together." })
  model!: PaperModel;

  @Field(() => PaperPadding, { nullable: true, description: "Padding; null where the table does not tell." })
  padding!: PaperPadding | null;

  @Field(() => EvaluationDataset, {
    nullable: true,
    description: "What the model was trained on first; null: nothing.",
  })
  preTraining!: EvaluationDataset | null;

  @Field(() => [PaperMetrics], { description: "The paper's figures." })
  metrics!: readonly PaperMetrics[];

  @Field(() => [PaperMatch], {
    description:
      "Evaluations and series of the comparison that fit. Padding and training of a model pack are not looked at.",
  })
  matches!: PaperMatch[];

  /** The row as GraphQL shows it. */
  static from({ row, matches }: ComparedPaperRow): PaperRow {
    return Object.assign(new PaperRow(), row, {
      dataset: EvaluationDataset[row.dataset],
      model: PaperModel[row.model],
      preTraining: row.preTraining === null ? null : EvaluationDataset[row.preTraining],
      metrics: row.metrics.map((of) =>
        Object.assign(new PaperMetrics(), of, { direction: RetrievalDirection[of.direction] }),
      ),
      matches: matches.map(({ evaluation, series, differences }) =>
        Object.assign(new PaperMatch(), {
          evaluation: evaluation === null ? null : Evaluation.from(evaluation),
          series: series?.name ?? null,
          differences: differences.map((of) =>
            Object.assign(new PaperDifferences(), of, { direction: RetrievalDirection[of.direction] }),
          ),
        }),
      ),
    });
  }
}

@ObjectType({ simpleResolvers: true, description: "A table of the paper, with what can be set beside its rows." })
export class PaperComparison {
  @Field(() => PaperTable, { description: "The table." })
  table!: PaperTable;

  @Field(() => [PaperRow], { description: "Its rows." })
  rows!: PaperRow[];

  /** The table as GraphQL shows it. */
  static from(table: PaperTable, rows: readonly ComparedPaperRow[]): PaperComparison {
    return Object.assign(new PaperComparison(), { table, rows: rows.map((row) => PaperRow.from(row)) });
  }
}
