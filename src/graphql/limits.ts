/**
 * Limits on what one GraphQL operation may ask for: its depth and its complexity. A check of their own rather than
 * validation rules: the cost depends on the variables, and Apollo gives all errors of validation one code.
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

/**
 * Most selections of one operation, introspection included, once fragments stand in the place of their spreads. Fragments
 * that spread each other double at every step, so a short document could ask for more than can be counted one by one.
 */
const MAX_SELECTIONS = 100_000;

/** How large an operation is. */
export interface OperationSize {
  /** 1 for its own fields, 1 more for each level below. Introspection is not counted. */
  depth: number;
  /** Number of selections, fragments put in the place of their spreads. */
  selections: number;
}

/** Measures an operation; each fragment is looked at once. */
export function operationSize(operation: OperationDefinitionNode, document: DocumentNode): OperationSize {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  return selectionSize(operation.selectionSet, fragments, new Map());
}

/** Size of a selection. `known` holds fragments already measured; one in progress counts as nothing (a cycle). */
function selectionSize(
  selection: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  known: Map<string, OperationSize>,
): OperationSize {
  const size: OperationSize = { depth: 0, selections: 0 };
  for (const node of selection.selections) {
    let below: OperationSize = { depth: 0, selections: 0 };
    if (node.kind === Kind.FRAGMENT_SPREAD) {
      const name = node.name.value;
      const fragment = fragments.get(name);
      if (fragment !== undefined && !known.has(name)) {
        known.set(name, below);
        known.set(name, selectionSize(fragment.selectionSet, fragments, known));
      }
      below = known.get(name) ?? below;
    } else if (node.selectionSet !== undefined) {
      below = selectionSize(node.selectionSet, fragments, known);
    }
    const ownLevel = node.kind === Kind.FIELD ? 1 : 0;
    const counts = node.kind !== Kind.FIELD || !isIntrospection(node.name.value);
    size.depth = Math.max(size.depth, counts ? ownLevel + below.depth : 0);
    size.selections += 1 + below.selections;
  }
  return size;
}

/** An operation that is about to be executed. */
export interface CheckedOperation {
  schema: GraphQLSchema;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  variables: Readonly<Record<string, unknown>>;
}

/**
 * Makes the check of operations. A host's own fields count 1 unless they carry `extensions.complexity`.
 *
 * @param costs Earshot's schema: merged into a host's by SDL and resolvers, its fields lose their costs.
 * @returns throws a GraphQLError when an operation is too deep (`OPERATION_TOO_DEEP`) or costs too much
 *   (`OPERATION_TOO_COMPLEX`), or when its variables do not fit (`BAD_USER_INPUT`)
 */
export function operationCheck(
  { maxDepth, maxComplexity }: OperationLimits,
  costs: GraphQLSchema,
): (checked: CheckedOperation) => void {
  const estimators = [estimatorOf(costs), fieldExtensionsEstimator(), simpleEstimator({ defaultComplexity: 1 })];
  return ({ schema, document, operation, variables }) => {
    const { depth, selections } = operationSize(operation, document);
    if (depth > maxDepth) {
      throw refusal("OPERATION_TOO_DEEP", `The operation is ${depth} fields deep; ${maxDepth} are allowed.`);
    }
    if (selections > MAX_SELECTIONS) {
      throw refusal("OPERATION_TOO_COMPLEX", `The operation has more than ${MAX_SELECTIONS} selections.`);
    }
    const complexity = costOf({
      schema,
      query: document,
      variables,
      ...(operation.name === undefined ? {} : { operationName: operation.name.value }),
      estimators,
    });
    if (complexity > maxComplexity) {
      const text = `The operation costs ${complexity}; ${maxComplexity} are allowed. Ask for fewer items or fields.`;
      throw refusal("OPERATION_TOO_COMPLEX", text);
    }
  };
}

/** @throws GraphQLError with a code when a variable, whose value the cost depends on, is missing or wrong */
function costOf(options: Parameters<typeof getComplexity>[0]): number {
  try {
    return getComplexity(options);
  } catch (error) {
    if (!(error instanceof GraphQLError) || error.extensions["code"] !== undefined) throw error;
    throw refusal("BAD_USER_INPUT", error.message, error.nodes);
  }
}

/** An Apollo Server plugin which refuses operations that do not pass the {@link operationCheck}. */
export function limitsPlugin(limits: OperationLimits, costs: GraphQLSchema): ApolloServerPlugin {
  const check = operationCheck(limits, costs);
  return {
    requestDidStart: () =>
      Promise.resolve({
        didResolveOperation({ request, document, operation, schema }) {
          if (operation !== undefined) check({ schema, document, operation, variables: request.variables ?? {} });
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

function refusal(code: string, message: string, nodes?: GraphQLError["nodes"]): GraphQLError {
  return new GraphQLError(message, { nodes: nodes ?? null, extensions: { code, http: { status: 400 } } });
}

/**
 * Cost of a connection field: the page size times what is asked for each item. A page size outside the
 * allowed range counts as the nearest one inside: the resolver refuses it with an error of its own.
 */
export function pageComplexity(base: number) {
  return ({ args, childComplexity }: { args: { first?: number | null }; childComplexity: number }): number =>
    base + Math.min(MAX_PAGE_SIZE, Math.max(1, args.first ?? DEFAULT_PAGE_SIZE)) * childComplexity;
}
