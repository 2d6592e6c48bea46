import { Kind, parse } from "graphql";
import { describe, expect, it } from "vitest";
import { operationSize, pageComplexity } from "../../../src/graphql/limits.js";

function sizeOf(source: string): { depth: number; selections: number } {
  const document = parse(source);
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error("an operation was expected");
  return operationSize(operation, document);
}

const depth = (source: string): number => sizeOf(source).depth;

describe("operationSize", () => {
  it("counts levels of fields", () => {
    expect(depth("{ a { a { b } } c }")).toBe(3);
  });

  it("counts through fragments", () => {
    expect(depth("query { a { ...F } } fragment F on Query { a { ... on Query { a { b } } } }")).toBe(4);
  });

  it("ends with fragments which spread each other in a circle", () => {
    expect(depth("query { ...F } fragment F on Query { a { ...G } } fragment G on Query { a { ...F } }")).toBe(2);
  });

  it("measures each fragment once, however often it is spread", () => {
    const fragments = Array.from(
      { length: 60 },
      (_, i) => `fragment F${i} on Query { x: a { ...F${i + 1} } y: a { ...F${i + 1} } }`,
    );
    const size = sizeOf(`query { ...F0 } ${fragments.join(" ")} fragment F60 on Query { b }`);
    expect(size.depth).toBe(61);
    expect(size.selections).toBeGreaterThan(2 ** 60);
  });

  it("counts selections where fragments are spread", () => {
    expect(sizeOf("query { a { ...F } b { ...F } } fragment F on Query { c d }").selections).toBe(8);
    expect(sizeOf("{ __schema { types { name } } ... on Query { a } }").selections).toBe(5);
  });

  it("does not count introspection", () => {
    expect(depth("{ __schema { types { fields { type { ofType { ofType { name } } } } } } }")).toBe(0);
  });
});

describe("pageComplexity", () => {
  it("multiplies what is asked for each item by the page size, within the allowed range", () => {
    const cost = pageComplexity(50);
    expect(cost({ args: { first: 10 }, childComplexity: 7 })).toBe(120);
    expect(cost({ args: { first: -5 }, childComplexity: 7 })).toBe(57);
    expect(cost({ args: { first: 1_000_000 }, childComplexity: 7 })).toBe(750);
    expect(cost({ args: { first: null }, childComplexity: 7 })).toBe(190);
  });
});
