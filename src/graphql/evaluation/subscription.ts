import { isObjectType, type GraphQLSchema } from "graphql";
import { Arg, ID, Resolver, Root, Subscription } from "type-graphql";
import type { ErrorPresenter } from "../errors.js";
import { localId } from "../ids.js";
import type { GraphQLServices } from "../services.js";
import { checkRight } from "../viewer.js";
import { followEvaluation, type ProgressEvent } from "./progress.js";
import { Evaluation } from "./types.js";

const FIELD = "evaluationProgress";

/** Subscription `evaluationProgress`. */
@Resolver()
export class EvaluationProgressResolver {
  @Subscription(() => Evaluation, {
    description:
      "An evaluation as it goes on: its present state at once, then every change, to the final state, with which the stream ends. Needs the right `evaluator`.",
    subscribe: () => {
      throw new Error("the schema was built without its services");
    },
  })
  [FIELD](
    @Root() event: ProgressEvent,
    @Arg("id", () => ID, { description: "Id of the evaluation." }) _id: string,
  ): Evaluation {
    if ("failure" in event) throw event.failure;
    return Evaluation.from(event.record);
  }
}

/**
 * Connects the schema's subscription with the services. type-graphql asks a container for the resolvers of fields, but
 * not for what begins a stream, so that this is done once the schema is built.
 */
export function connectEvaluationProgress(
  schema: GraphQLSchema,
  services: GraphQLServices,
  present: ErrorPresenter,
): void {
  const root = schema.getSubscriptionType();
  if (!isObjectType(root)) throw new Error("the schema has no subscriptions");
  root.getFields()[FIELD]!.subscribe = async (_source, { id }: { id: string }, context: unknown) => {
    try {
      const viewer = await services.viewerOf(context);
      checkRight(viewer, "evaluator");
      return await followEvaluation(services, viewer.tenant, localId("Evaluation", id, "id"));
    } catch (error) {
      throw await present(error, context, `Subscription.${FIELD}`);
    }
  };
}
