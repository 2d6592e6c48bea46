/**
 * Limits on what one GraphQL operation may ask for: its depth and its complexity. An Apollo Server plugin rather
 * than validation rules: the cost depends on the variables, and Apollo gives all errors of validation one code.
 *
 * Cost of a field: 1, times the page size for everything below a connection; fields which run a
 * search or write cost more. The number bounds the work, and the size of the answer with it.
 */
import type { ApolloServerPlugin } from "@apollo/server";
import {
  GraphQLError,
  isObjectType,
  Kind,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import {
  fieldExtensionsEstimator,
  getComplexity,
  simpleEstimator,
  type ComplexityEstimator,
} from "graphql-query-complexity";
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

/** Depth of an operation: 1 for its own fields, 1 more for each level below. Introspection is not counted. */
export function operationDepth(operation: OperationDefinitionNode, document: DocumentNode): number {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  return selectionDepth(operation.selectionSet, fragments, new Map());
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
 * An Apollo Server plugin which refuses operations that are too deep (`OPERATION_TOO_DEEP`) or cost too much
 * (`OPERATION_TOO_COMPLEX`). A host's own fields count 1 unless they carry `extensions.complexity`.
 *
 * @param costs Earshot's schema: merged into a host's by SDL and resolvers, its fields lose their costs.
 */
export function limitsPlugin({ maxDepth, maxComplexity }: OperationLimits, costs: GraphQLSchema): ApolloServerPlugin {
  return {
    requestDidStart: () =>
      Promise.resolve({
        didResolveOperation({ request, document, operation, schema, operationName }) {
          const depth = operation === undefined ? 0 : operationDepth(operation, document);
          if (depth > maxDepth) {
            throw refusal("OPERATION_TOO_DEEP", `The operation is ${depth} fields deep; ${maxDepth} are allowed.`);
          }
          const complexity = getComplexity({
            schema,
            query: document,
            variables: request.variables ?? {},
            ...(operationName === null ? {} : { operationName }),
            estimators: [estimatorOf(costs), fieldExtensionsEstimator(), simpleEstimator({ defaultComplexity: 1 })],
          });
          if (complexity > maxComplexity) {
            const text = `The operation costs ${complexity}; ${maxComplexity} are allowed. Ask for fewer items or fields.`;
            throw refusal("OPERATION_TOO_COMPLEX", text);
          }
          return Promise.resolve();
        },
      }),
  };
}

/** Takes the costs of fields from another schema, where the types have the same names. */
function estimatorOf(costs: GraphQLSchema): ComplexityEstimator {
  const estimate = fieldExtensionsEstimator();
  return (options) => {
    const type = costs.getType(options.type.name);
    const field = isObjectType(type) ? type.getFields()[options.field.name] : undefined;
    return field === undefined ? undefined : estimate({ ...options, field });
  };
}

function refusal(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status: 400 } } });
}

/**
 * Cost of a connection field: the page size times what is asked for each item. A page size outside the
 * allowed range counts as the nearest one inside: the resolver refuses it with an error of its own.
 */
export function pageComplexity(base: number) {
  return ({ args, childComplexity }: { args: { first?: number | null }; childComplexity: number }): number =>
    base + Math.min(MAX_PAGE_SIZE, Math.max(1, args.first ?? DEFAULT_PAGE_SIZE)) * childComplexity;
}
