import { buildSchema, parse, validate } from "graphql";
import { describe, expect, it } from "vitest";
import { depthRule } from "../../../src/graphql/limits.js";

const schema = buildSchema("type Query { a: Query b: Int }");
const check = (query: string, maxDepth: number): unknown[] =>
  validate(schema, parse(query), [depthRule(maxDepth)]).map((error) => error.extensions["code"]);

describe("depthRule", () => {
  it("lets an operation through which is as deep as allowed", () => {
    expect(check("{ a { a { b } } }", 3)).toEqual([]);
  });

  it("refuses a deeper one", () => {
    expect(check("{ a { a { a { b } } } }", 3)).toEqual(["OPERATION_TOO_DEEP"]);
  });

  it("counts through fragments", () => {
    expect(check("query { a { ...F } } fragment F on Query { a { ... on Query { a { b } } } }", 3)).toEqual([
      "OPERATION_TOO_DEEP",
    ]);
  });

  it("ends with fragments which spread each other in a circle", () => {
    expect(check("query { ...F } fragment F on Query { a { ...G } } fragment G on Query { a { ...F } }", 5)).toEqual(
      [],
    );
  });

  it("measures each fragment once, however often it is spread", () => {
    const fragments = Array.from(
      { length: 60 },
      (_, i) => `fragment F${i} on Query { x: a { ...F${i + 1} } y: a { ...F${i + 1} } }`,
    );
    expect(check(`query { ...F0 } ${fragments.join(" ")} fragment F60 on Query { b }`, 100)).toEqual([]);
  });

  it("does not count introspection", () => {
    expect(check("{ __schema { types { fields { type { ofType { ofType { name } } } } } } }", 2)).toEqual([]);
  });
});
