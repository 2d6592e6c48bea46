import { Arg, Ctx, Mutation, Resolver } from "type-graphql";
import { withUserErrors } from "../errors.js";
import type { GraphQLServices } from "../services.js";
import { checkRight } from "../viewer.js";
import { IndexReconciliation, ReconcileIndexInput, ReconcileIndexPayload } from "./types.js";

/** Mutation `reconcileIndex`. */
@Resolver()
export class ReconcileResolver {
  constructor(private readonly services: GraphQLServices) {}

  @Mutation(() => ReconcileIndexPayload, {
    description:
      "Compares an index with the catalog and mends what differs: vectors that nothing refers to are removed, videos whose vectors are missing are ingested again from their stored source, behind everything else. Answers when it is done, which takes minutes for millions of segments. Needs the right `operator`.",
    complexity: ({ childComplexity }) => 100 + childComplexity,
  })
  async reconcileIndex(
    @Ctx() context: unknown,
    @Arg("input", () => ReconcileIndexInput, { description: "Which index, and whether to mend." })
    input: ReconcileIndexInput,
  ): Promise<ReconcileIndexPayload> {
    const viewer = await this.services.viewerOf(context);
    checkRight(viewer, "operator");
    const { index, dryRun } = input;
    const { result, userErrors } = await withUserErrors(() =>
      this.services.reconciler.reconcile({
        ...(typeof index === "string" ? { indexId: index } : {}),
        dryRun,
        requestId: viewer.requestId,
      }),
    );
    return Object.assign(new ReconcileIndexPayload(), {
      reconciliation: result === null ? null : IndexReconciliation.from(result),
      userErrors,
    });
  }
}
