import { lexicographicSortSchema, printSchema, type GraphQLSchema } from "graphql";
import { buildSchema, type ContainerType } from "type-graphql";
import type { Logger } from "../config/index.js";
import { errorMiddleware } from "./errors.js";
import { IngestJobConnectionResolver, IngestResolver } from "./ingest/resolver.js";
import { IngestJob } from "./ingest/types.js";
import { ModelPackResolver } from "./model/resolver.js";
import { NodeResolver } from "./node-resolver.js";
import { SearchResolver } from "./search/resolver.js";
import type { GraphQLServices } from "./services.js";
import { VideoConnectionResolver, VideoResolver } from "./video/resolver.js";
import { Video } from "./video/types.js";

const RESOLVERS = [
  IngestJobConnectionResolver,
  IngestResolver,
  ModelPackResolver,
  NodeResolver,
  SearchResolver,
  VideoConnectionResolver,
  VideoResolver,
] as const;

const SHAPE = {
  resolvers: [...RESOLVERS] as [(typeof RESOLVERS)[number], ...(typeof RESOLVERS)[number][]],
  orphanedTypes: [Video, IngestJob],
  // Every bound is checked where it applies, with an error of its own; class-validator is not used.
  validate: false,
};

/** Builds the executable schema around one set of services. */
export async function buildEarshotSchema(services: GraphQLServices, logger: Logger): Promise<GraphQLSchema> {
  return describeRoots(
    await buildSchema({
      ...SHAPE,
      container: resolverContainer(services),
      globalMiddlewares: [errorMiddleware(services.viewerOf, logger)],
    }),
  );
}

/** The schema as text, in alphabetical order: what `schema/schema.graphql` holds. It needs no services. */
export async function earshotSdl(): Promise<string> {
  return `${printSchema(lexicographicSortSchema(describeRoots(await buildSchema(SHAPE))))}\n`;
}

/** type-graphql makes the root types itself and gives them no descriptions. */
function describeRoots(schema: GraphQLSchema): GraphQLSchema {
  const query = schema.getQueryType();
  const mutation = schema.getMutationType();
  if (query) query.description = "What can be read: searches, videos, ingest jobs, model packs.";
  if (mutation) mutation.description = "What can be changed. Expected failures are in `userErrors` of the payloads.";
  return schema;
}

/** Gives type-graphql one resolver of each class, made with the services. */
function resolverContainer(services: GraphQLServices): ContainerType {
  const instances = new Map<unknown, object>(RESOLVERS.map((resolver) => [resolver, new resolver(services)]));
  return { get: (type: unknown) => instances.get(type) };
}
