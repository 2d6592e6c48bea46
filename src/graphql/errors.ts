/**
 * What a client sees of a failure.
 *
 * Expected failures keep their message and their stable code. In a mutation they are members of the
 * payload (`userErrors`), in a query GraphQL errors with `extensions.code`. Everything else is logged
 * and masked: the client gets a request id to quote, and nothing of the cause.
 */
import "reflect-metadata";
import { GraphQLError } from "graphql";
import { Field, ObjectType, type MiddlewareFn } from "type-graphql";
import { toCatalogError } from "../catalog/index.js";
import type { Logger } from "../config/index.js";
import { EarshotError } from "../errors.js";
import { withLogFields } from "../telemetry/index.js";
import type { ViewerOf } from "./viewer.js";

/** Code of a masked error. */
export const INTERNAL_ERROR_CODE = "INTERNAL_SERVER_ERROR";

@ObjectType({
  simpleResolvers: true,
  description: "An expected failure of a mutation: something the caller can mend.",
})
export class UserError {
  @Field(() => String, { description: "Stable, machine-readable name of the cause, e.g. `SOURCE_NOT_FOUND`." })
  code!: string;

  @Field(() => String, { description: "What is wrong and what to do, in English, for a person." })
  message!: string;

  @Field(() => String, {
    nullable: true,
    description: "The input field at fault, e.g. `source.path`; null when no single field is.",
  })
  field!: string | null;
}

/**
 * Runs a mutation and gives its expected failures as data.
 *
 * @param run The work; an EarshotError it throws becomes a user error, anything else goes on.
 */
export async function withUserErrors<T>(run: () => Promise<T>): Promise<{ result: T | null; userErrors: UserError[] }> {
  try {
    return { result: await run(), userErrors: [] };
  } catch (thrown) {
    const error = toCatalogError(thrown);
    if (!(error instanceof EarshotError)) throw error;
    return {
      result: null,
      userErrors: [
        Object.assign(new UserError(), { code: error.code, message: error.message, field: error.field ?? null }),
      ],
    };
  }
}

/** Makes of whatever a resolver threw what a client may see. */
export type ErrorPresenter = (error: unknown, hostContext: unknown, path: string) => Promise<GraphQLError>;

/** Makes the function that types expected errors, and masks and logs the others. */
export function errorPresenter(viewerOf: ViewerOf, logger: Logger): ErrorPresenter {
  return async (thrown, hostContext, path) => {
    // A GraphQLError is meant for the client: one of ours, or the refusal of a host's context hook.
    if (thrown instanceof GraphQLError) return thrown;
    const error = toCatalogError(thrown);
    if (error instanceof EarshotError) {
      if (error.detail !== undefined) logger.warn({ code: error.code, detail: error.detail, path }, error.message);
      return expectedError(error);
    }
    return maskedError(error, await requestIdOf(viewerOf, hostContext), path, logger);
  };
}

/** Middleware for every resolver of the schema: whatever it makes others log carries the id of the request. */
export function requestIdMiddleware(viewerOf: ViewerOf): MiddlewareFn {
  return async ({ context }, next) => {
    // Without a context object the caller would be asked for anew.
    const given: unknown = context;
    if (typeof given !== "object" || given === null) return (await next()) as unknown;
    const requestId = await requestIdOf(viewerOf, context);
    return (await withLogFields({ requestId }, next)) as unknown;
  };
}

/** Middleware for every resolver of the schema. */
export function errorMiddleware(present: ErrorPresenter): MiddlewareFn {
  return async ({ context, info }, next) => {
    try {
      return (await next()) as unknown;
    } catch (error) {
      throw await present(error, context, `${info.parentType.name}.${info.fieldName}`);
    }
  };
}

/** A GraphQL error which carries the code, and the argument at fault where one is known. */
function expectedError(error: EarshotError): GraphQLError {
  return new GraphQLError(error.message, {
    extensions: { code: error.code, ...(error.field === undefined ? {} : { field: error.field }) },
  });
}

/** Logs an unexpected error and gives what a client may see of it. */
export function maskedError(error: unknown, requestId: string, path: string, logger: Logger): GraphQLError {
  logger.error({ err: error, requestId, path }, "a GraphQL field failed unexpectedly");
  return new GraphQLError(`Something went wrong on the server. Quote request id ${requestId} to its operator.`, {
    extensions: { code: INTERNAL_ERROR_CODE, requestId },
  });
}

async function requestIdOf(viewerOf: ViewerOf, context: unknown): Promise<string> {
  try {
    return (await viewerOf(context)).requestId;
  } catch {
    return "unknown";
  }
}
