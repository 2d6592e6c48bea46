import { lexicographicSortSchema, printSchema, type GraphQLSchema } from "graphql";
import { buildSchema, type ContainerType, type PubSub } from "type-graphql";
import type { Logger } from "../config/index.js";
import { errorMiddleware, requestIdMiddleware, errorPresenter } from "./errors.js";
import { EvaluationComparisonResolver } from "./evaluation/comparison-resolver.js";
import { EvaluationRankConnectionResolver, EvaluationRanksResolver } from "./evaluation/ranks-resolver.js";
import { EvaluationConnectionResolver, EvaluationResolver } from "./evaluation/resolver.js";
import { connectEvaluationProgress, EvaluationProgressResolver } from "./evaluation/subscription.js";
import { Evaluation } from "./evaluation/types.js";
import { IngestJobConnectionResolver, IngestResolver } from "./ingest/resolver.js";
import { IngestJob } from "./ingest/types.js";
import { ModelPackResolver } from "./model/resolver.js";
import { NodeResolver } from "./node-resolver.js";
import { ReconcileResolver } from "./reconcile/resolver.js";
import { IndexResolver } from "./reindex/index-resolver.js";
import { ReindexResolver } from "./reindex/resolver.js";
import { Reindex } from "./reindex/types.js";
import { SearchResolver } from "./search/resolver.js";
import type { GraphQLServices } from "./services.js";
import { VideoConnectionResolver, VideoResolver } from "./video/resolver.js";
import { Video } from "./video/types.js";

const RESOLVERS = [
  EvaluationComparisonResolver,
  EvaluationConnectionResolver,
  EvaluationProgressResolver,
  EvaluationRankConnectionResolver,
  EvaluationRanksResolver,
  EvaluationResolver,
  IndexResolver,
  IngestJobConnectionResolver,
  IngestResolver,
  ModelPackResolver,
  NodeResolver,
  ReconcileResolver,
  ReindexResolver,
  SearchResolver,
  VideoConnectionResolver,
  VideoResolver,
] as const;

/** type-graphql wants one as soon as there is a subscription, even one that brings its own stream. */
const NO_TOPICS: PubSub = {
  publish: () => undefined,
  subscribe: (topic) => {
    throw new Error(`there is no topic ${topic}`);
  },
};

const SHAPE = {
  resolvers: [...RESOLVERS] as [(typeof RESOLVERS)[number], ...(typeof RESOLVERS)[number][]],
  orphanedTypes: [Video, IngestJob, Evaluation, Reindex],
  pubSub: NO_TOPICS,
  // Every bound is checked where it applies, with an error of its own; class-validator is not used.
  validate: false,
};

/** Builds the executable schema around one set of services. */
export async function buildEarshotSchema(services: GraphQLServices, logger: Logger): Promise<GraphQLSchema> {
  const present = errorPresenter(services.viewerOf, logger);
  const schema = await buildSchema({
    ...SHAPE,
    container: resolverContainer(services),
    globalMiddlewares: [requestIdMiddleware(services.viewerOf), errorMiddleware(present)],
  });
  connectEvaluationProgress(schema, services, present);
  return describeRoots(schema);
}

/** The schema as text, in alphabetical order: what `schema/schema.graphql` holds. It needs no services. */
export async function earshotSdl(): Promise<string> {
  return `${printSchema(lexicographicSortSchema(describeRoots(await buildSchema(SHAPE))))}\n`;
}

/** type-graphql makes the root types itself and gives them no descriptions. */
function describeRoots(schema: GraphQLSchema): GraphQLSchema {
  const query = schema.getQueryType();
  const mutation = schema.getMutationType();
  const subscription = schema.getSubscriptionType();
  if (query) query.description = "What can be read: searches, videos, ingest jobs, model packs, evaluations, indexes.";
  if (mutation) mutation.description = "What can be changed. Expected failures are in `userErrors` of the payloads.";
  if (subscription) subscription.description = "What can be followed as it happens.";
  return schema;
}

/** Gives type-graphql one resolver of each class, made with the services. */
function resolverContainer(services: GraphQLServices): ContainerType {
  const instances = new Map<unknown, object>(RESOLVERS.map((resolver) => [resolver, new resolver(services)]));
  return { get: (type: unknown) => instances.get(type) };
}
