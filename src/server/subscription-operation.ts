/** Reads and checks what a client subscribes to, as Apollo Server does with operations over HTTP. */
import {
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  parse,
  validate,
  type DocumentNode,
  type ExecutionArgs,
} from "graphql";
import type { SubscribePayload } from "graphql-ws";
import type { Earshot } from "../earshot.js";
import { operationCheck } from "../graphql/limits.js";

/** Most tokens of one GraphQL document: more than any sane operation, few enough to parse at once. */
export const MAX_TOKENS = 5_000;

/** What executes a subscription; or what is wrong with it. */
export type ReadSubscription = ExecutionArgs | readonly GraphQLError[];

/** Makes the function that reads subscriptions: only those are taken, within the limits of all operations. */
export function subscriptionReader({ schema, options }: Earshot): (payload: SubscribePayload) => ReadSubscription {
  const check = operationCheck(options.graphql, schema);
  // Suggestions ("Did you mean ...") would tell of a schema that is not to be asked for.
  const hideSuggestions = !options.graphql.introspection;
  return ({ query, operationName, variables }) => {
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: MAX_TOKENS });
    } catch (error) {
      return [refusal("GRAPHQL_PARSE_FAILED", error instanceof Error ? error.message : String(error))];
    }
    const operation = getOperationAST(document, operationName);
    if (!operation) return [refusal("OPERATION_RESOLUTION_FAILURE", "There is no single operation of that name.")];
    if (operation.operation !== OperationTypeNode.SUBSCRIPTION) {
      return [refusal("SUBSCRIPTIONS_ONLY", "A WebSocket takes subscriptions only. Send other operations by HTTP.")];
    }
    const errors = validate(schema, document, undefined, { hideSuggestions });
    if (errors.length > 0) return errors.map((error) => withCode("GRAPHQL_VALIDATION_FAILED", error));
    try {
      check({ schema, document, operation, variables: variables ?? {} });
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return [error];
    }
    return { schema, document, operationName: operationName ?? null, variableValues: variables ?? null };
  };
}

function refusal(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

function withCode(code: string, { message, nodes }: GraphQLError): GraphQLError {
  return new GraphQLError(message, { nodes: nodes ?? null, extensions: { code } });
}
