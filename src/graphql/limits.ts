/**
 * Limits on what one GraphQL operation may ask for: its depth (a validation rule) and its complexity
 * (an Apollo Server plugin, since the cost depends on the variables).
 *
 * Cost of a field: 1, times the page size for everything below a connection; fields which run a
 * search or write cost more. The number bounds the work, and the size of the answer with it.
 */
import type { ApolloServerPlugin } from "@apollo/server";
import {
  GraphQLError,
  Kind,
  type FragmentDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from "graphql";
import { fieldExtensionsEstimator, getComplexity, simpleEstimator } from "graphql-query-complexity";
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from "./paging.js";

/** How much one operation may ask for. */
export interface OperationLimits {
  /** Deepest nesting of fields; introspection fields are not counted. */
  maxDepth: number;
  /** Highest cost of an operation, see above. */
  maxComplexity: number;
}

/** Fields of introspection have limits of their own in graphql-js. */
const isIntrospection = (name: string): boolean => name.startsWith("__");

/**
 * A validation rule which refuses operations nested deeper than `maxDepth`, with code
 * `OPERATION_TOO_DEEP`.
 */
export function depthRule(maxDepth: number): ValidationRule {
  return (context: ValidationContext) => ({
    OperationDefinition(operation) {
      const fragments = new Map<string, FragmentDefinitionNode>();
      for (const definition of context.getDocument().definitions) {
        if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
      }
      const depth = selectionDepth(operation.selectionSet, fragments, new Map());
      if (depth > maxDepth) {
        context.reportError(
          new GraphQLError(`The operation is nested ${depth} fields deep; ${maxDepth} are allowed.`, {
            nodes: [operation],
            extensions: { code: "OPERATION_TOO_DEEP" },
          }),
        );
      }
    },
  });
}

/** Depth of a selection. `known` holds fragments already measured; one in progress counts as 0 (a cycle). */
function selectionDepth(
  selection: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  known: Map<string, number>,
): number {
  let deepest = 0;
  for (const node of selection.selections) {
    let depth = 0;
    if (node.kind === Kind.FIELD) {
      if (isIntrospection(node.name.value)) continue;
      depth = 1 + (node.selectionSet === undefined ? 0 : selectionDepth(node.selectionSet, fragments, known));
    } else if (node.kind === Kind.INLINE_FRAGMENT) {
      depth = selectionDepth(node.selectionSet, fragments, known);
    } else {
      const name = node.name.value;
      const fragment = fragments.get(name);
      if (fragment !== undefined && !known.has(name)) {
        known.set(name, 0);
        known.set(name, selectionDepth(fragment.selectionSet, fragments, known));
      }
      depth = known.get(name) ?? 0;
    }
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

/**
 * An Apollo Server plugin which refuses operations that cost more than `maxComplexity`, with code
 * `OPERATION_TOO_COMPLEX`. It knows the costs of Earshot's own fields; a host's other fields count 1
 * unless they carry `extensions.complexity`.
 */
export function complexityPlugin(maxComplexity: number): ApolloServerPlugin {
  return {
    requestDidStart: () =>
      Promise.resolve({
        didResolveOperation({ request, document, schema, operationName }) {
          const complexity = getComplexity({
            schema,
            query: document,
            variables: request.variables ?? {},
            ...(operationName === null ? {} : { operationName }),
            estimators: [fieldExtensionsEstimator(), simpleEstimator({ defaultComplexity: 1 })],
          });
          if (complexity > maxComplexity) {
            throw new GraphQLError(
              `The operation costs ${complexity}; ${maxComplexity} are allowed. Ask for fewer items or fields.`,
              { extensions: { code: "OPERATION_TOO_COMPLEX", http: { status: 400 } } },
            );
          }
          return Promise.resolve();
        },
      }),
  };
}

/**
 * Cost of a connection field: the page size times what is asked for each item. A page size outside the
 * allowed range counts as the nearest one inside: the resolver refuses it with an error of its own.
 */
export function pageComplexity(base: number) {
  return ({ args, childComplexity }: { args: { first?: number | null }; childComplexity: number }): number =>
    base + Math.min(MAX_PAGE_SIZE, Math.max(1, args.first ?? DEFAULT_PAGE_SIZE)) * childComplexity;
}
