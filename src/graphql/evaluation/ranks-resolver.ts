import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from "type-graphql";
import { EvaluationNotFoundError } from "../../errors.js";
import { localId } from "../ids.js";
import { pageComplexity } from "../limits.js";
import { checkFirst, DEFAULT_PAGE_SIZE, pageOf } from "../paging.js";
import type { GraphQLServices } from "../services.js";
import { checkRight } from "../viewer.js";
import { EvaluationRankOrder, RetrievalDirection } from "./enums.js";
import { decodeRankCursor, encodeRankCursor } from "./rank-cursor.js";
import { EvaluationRank, EvaluationRankConnection } from "./rank-types.js";

/** Query `evaluationRanks`. */
@Resolver()
export class EvaluationRanksResolver {
  constructor(private readonly services: GraphQLServices) {}

  @Query(() => EvaluationRankConnection, {
    description:
      "The queries of an evaluation with the ranks behind its figures; none until it is completed. Needs the right `evaluator`. Expected failures are errors with one of these codes in `extensions.code`: EVALUATION_NOT_FOUND, FIRST_OUT_OF_RANGE, INVALID_CURSOR, INVALID_ID, FORBIDDEN.",
    complexity: pageComplexity(5),
  })
  async evaluationRanks(
    @Ctx() context: unknown,
    @Arg("id", () => ID, { description: "Id of the evaluation." }) id: string,
    @Arg("direction", () => RetrievalDirection, {
      nullable: true,
      defaultValue: RetrievalDirection.T2A,
      description: "What looked for what.",
    })
    direction: RetrievalDirection | null,
    @Arg("order", () => EvaluationRankOrder, {
      nullable: true,
      defaultValue: EvaluationRankOrder.DATASET,
      description: "In which order.",
    })
    order: EvaluationRankOrder | null,
    @Arg("first", () => Int, {
      nullable: true,
      defaultValue: DEFAULT_PAGE_SIZE,
      description: "The most queries to return, 1 to 100.",
    })
    first: number | null,
    @Arg("after", () => String, {
      nullable: true,
      description: "Cursor of the last query of the page before; all other arguments but `first` must be the same.",
    })
    after: string | null | undefined,
  ): Promise<EvaluationRankConnection> {
    const viewer = await this.services.viewerOf(context);
    checkRight(viewer, "evaluator");
    const { tenant } = viewer;
    const { evaluations, evaluationRanks } = this.services.catalog;
    const evaluationId = localId("Evaluation", id, "id");
    const size = first ?? DEFAULT_PAGE_SIZE;
    checkFirst(size);
    const list = {
      evaluationId,
      direction: direction ?? RetrievalDirection.T2A,
      order: order ?? EvaluationRankOrder.DATASET,
    };
    const position = after === null || after === undefined ? {} : { after: decodeRankCursor(list, after) };
    if ((await evaluations.find(tenant, evaluationId)) === null) {
      throw new EvaluationNotFoundError("There is no such evaluation.", { field: "id" });
    }
    const listing = { order: list.order, limit: size + 1, ...position };
    const records = await evaluationRanks.list(tenant, evaluationId, list.direction, listing);
    const page = pageOf(
      records,
      { size, after },
      (record) => encodeRankCursor(list, record),
      (record) => EvaluationRank.from(record),
    );
    return Object.assign(new EvaluationRankConnection(), {
      ...page,
      countAll: () => evaluationRanks.count(tenant, evaluationId, list.direction),
    });
  }
}

/** Field `totalCount` of a page of queries. */
@Resolver(() => EvaluationRankConnection)
export class EvaluationRankConnectionResolver {
  @FieldResolver(() => Int, { description: "Number of queries on all pages together." })
  async totalCount(@Root() connection: EvaluationRankConnection): Promise<number> {
    return connection.countAll();
  }
}
