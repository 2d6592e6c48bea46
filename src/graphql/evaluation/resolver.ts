import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from "type-graphql";
import type { EvaluationFilter } from "../../catalog/index.js";
import { withUserErrors } from "../errors.js";
import { localId } from "../ids.js";
import { pageComplexity } from "../limits.js";
import { checkFirst, DEFAULT_PAGE_SIZE, decodeAgeCursor, encodeAgeCursor, pageOf } from "../paging.js";
import type { GraphQLServices } from "../services.js";
import { checkRight, type Viewer } from "../viewer.js";
import { EvaluationDataset, EvaluationState } from "./enums.js";
import { CancelEvaluationInput, RunEvaluationInput } from "./inputs.js";
import { CancelEvaluationPayload, Evaluation, EvaluationConnection, RunEvaluationPayload } from "./types.js";

/** Name of the list in its cursors. */
const LIST = "evaluations";

/** Queries `evaluation` and `evaluations`, mutations `runEvaluation` and `cancelEvaluation`. */
@Resolver(() => Evaluation)
export class EvaluationResolver {
  constructor(private readonly services: GraphQLServices) {}

  @Query(() => Evaluation, {
    nullable: true,
    description: "One evaluation; null when there is none with that id. Needs the right `evaluator`.",
  })
  async evaluation(
    @Ctx() context: unknown,
    @Arg("id", () => ID, { description: "Id of the evaluation." }) id: string,
  ): Promise<Evaluation | null> {
    const viewer = await this.evaluator(context);
    const record = await this.services.catalog.evaluations.find(viewer.tenant, localId("Evaluation", id, "id"));
    return record === null ? null : Evaluation.from(record);
  }

  @Query(() => EvaluationConnection, {
    description: "Evaluations, newest first. Needs the right `evaluator`.",
    complexity: pageComplexity(1),
  })
  async evaluations(
    @Ctx() context: unknown,
    @Arg("first", () => Int, {
      nullable: true,
      defaultValue: DEFAULT_PAGE_SIZE,
      description: "The most evaluations to return, 1 to 100.",
    })
    first: number | null,
    @Arg("after", () => String, {
      nullable: true,
      description: "Cursor of the last evaluation of the page before.",
    })
    after: string | null | undefined,
    @Arg("state", () => EvaluationState, { nullable: true, description: "Only evaluations in this state." })
    state: EvaluationState | null | undefined,
    @Arg("dataset", () => EvaluationDataset, { nullable: true, description: "Only evaluations on this benchmark." })
    dataset: EvaluationDataset | null | undefined,
  ): Promise<EvaluationConnection> {
    const viewer = await this.evaluator(context);
    const size = first ?? DEFAULT_PAGE_SIZE;
    checkFirst(size);
    const { evaluations } = this.services.catalog;
    const filter: EvaluationFilter = { ...(state ? { state } : {}), ...(dataset ? { dataset } : {}) };
    const position = after === null || after === undefined ? undefined : decodeAgeCursor(LIST, after);
    const records = await evaluations.list(viewer.tenant, filter, size + 1, position);
    const page = pageOf(
      records,
      { size, after },
      (record) => encodeAgeCursor(LIST, record),
      (record) => Evaluation.from(record),
    );
    return Object.assign(new EvaluationConnection(), {
      ...page,
      countAll: () => evaluations.count(viewer.tenant, filter),
    });
  }

  @Mutation(() => RunEvaluationPayload, {
    description:
      "Submits an evaluation and returns at once; it goes on in the background, one at a time. Follow it with the subscription `evaluationProgress`. Needs the right `evaluator`.",
    complexity: ({ childComplexity }) => 10 + childComplexity,
  })
  async runEvaluation(
    @Ctx() context: unknown,
    @Arg("input", () => RunEvaluationInput, { description: "What is to be evaluated." }) input: RunEvaluationInput,
  ): Promise<RunEvaluationPayload> {
    const viewer = await this.evaluator(context);
    const { result, userErrors } = await withUserErrors(() =>
      this.services.evaluation.submit(input, viewer.tenant, viewer.requestId),
    );
    return Object.assign(new RunEvaluationPayload(), {
      evaluation: result === null ? null : Evaluation.from(result),
      userErrors,
    });
  }

  @Mutation(() => CancelEvaluationPayload, {
    description: "Cancels an evaluation that waits or runs. Needs the right `evaluator`.",
    complexity: ({ childComplexity }) => 10 + childComplexity,
  })
  async cancelEvaluation(
    @Ctx() context: unknown,
    @Arg("input", () => CancelEvaluationInput, { description: "The evaluation." }) input: CancelEvaluationInput,
  ): Promise<CancelEvaluationPayload> {
    const viewer = await this.evaluator(context);
    const { result, userErrors } = await withUserErrors(() =>
      this.services.evaluation.cancel(viewer.tenant, localId("Evaluation", input.id, "id")),
    );
    return Object.assign(new CancelEvaluationPayload(), {
      evaluation: result === null ? null : Evaluation.from(result),
      userErrors,
    });
  }

  private async evaluator(context: unknown): Promise<Viewer> {
    const viewer = await this.services.viewerOf(context);
    checkRight(viewer, "evaluator");
    return viewer;
  }
}

/** Field `totalCount` of a page of evaluations. */
@Resolver(() => EvaluationConnection)
export class EvaluationConnectionResolver {
  @FieldResolver(() => Int, { description: "Number of evaluations on all pages together." })
  async totalCount(@Root() connection: EvaluationConnection): Promise<number> {
    return connection.countAll();
  }
}
