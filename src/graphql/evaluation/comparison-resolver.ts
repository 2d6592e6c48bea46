import { Arg, Ctx, ID, Query, Resolver } from "type-graphql";
import { EvaluationNotFoundError, EvaluationsNotComparableError } from "../../errors.js";
import { compareEvaluations, MAX_COMPARED, type RanksOf } from "../../evaluation/comparison/index.js";
import { localId } from "../ids.js";
import type { GraphQLServices } from "../services.js";
import { checkRight } from "../viewer.js";
import { EvaluationComparison } from "./comparison-types.js";
import { PaperTable } from "./enums.js";

/** Cost of each evaluation beside what is asked for it: its ranks are read and drawn a thousand times. */
const COMPARISON_COST = 200;

/** Query `compareEvaluations`. */
@Resolver()
export class EvaluationComparisonResolver {
  constructor(private readonly services: GraphQLServices) {}

  @Query(() => EvaluationComparison, {
    description:
      "Completed evaluations beside each other: paired differences to the first one, means over the seeds of a series, and a table of the paper. Evaluations that measured different things can be compared, with a warning. Needs the right `evaluator`. Expected failures are errors with one of these codes in `extensions.code`: EVALUATION_NOT_FOUND, EVALUATIONS_NOT_COMPARABLE, INVALID_ID, FORBIDDEN.",
    complexity: ({ args, childComplexity }) =>
      Math.min(MAX_COMPARED, (args["ids"] as readonly string[]).length) * (COMPARISON_COST + childComplexity),
  })
  async compareEvaluations(
    @Ctx() context: unknown,
    @Arg("ids", () => [ID], {
      description: `Ids of 1 to ${MAX_COMPARED} completed evaluations; all others are compared with the first.`,
    })
    ids: string[],
    @Arg("paper", () => PaperTable, { nullable: true, description: "A table of the paper to set beside them." })
    paper: PaperTable | null | undefined,
  ): Promise<EvaluationComparison> {
    const viewer = await this.services.viewerOf(context);
    checkRight(viewer, "evaluator");
    if (ids.length > MAX_COMPARED) {
      throw new EvaluationsNotComparableError(`At most ${MAX_COMPARED} evaluations can be compared at once.`, {
        field: "ids",
      });
    }
    const { evaluations, evaluationRanks } = this.services.catalog;
    const records = await Promise.all(
      ids.map(async (id, place) => {
        const record = await evaluations.find(viewer.tenant, localId("Evaluation", id, "ids"));
        if (record !== null) return record;
        throw new EvaluationNotFoundError(`There is no evaluation with the id in place ${place + 1}.`, {
          field: "ids",
        });
      }),
    );
    const ranksOf: RanksOf = ({ id }, direction) => evaluationRanks.measured(viewer.tenant, id, direction);
    return EvaluationComparison.from(await compareEvaluations(records, ranksOf, paper ?? null));
  }
}
