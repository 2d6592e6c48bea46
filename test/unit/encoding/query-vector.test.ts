import { describe, expect, it } from "vitest";
import { queryVector } from "../../../src/encoding/query-vector.js";

const query = {
  embeddings: [new Float32Array([1, 0]), new Float32Array([0, 1, 0]), new Float32Array([0.5])],
  weights: new Float32Array([0.5, 0.25, 0.25]),
};
const dot = (a: Float32Array, b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

describe("the query vector of a pattern", () => {
  it("is the weighted concatenation when all experts are there", () => {
    expect([...queryVector(query, 0b111)]).toEqual([0.5, 0, 0, 0.25, 0, 0.125]);
  });

  it("shares the weight of missing experts among the others", () => {
    expect([...queryVector(query, 0b110)]).toEqual([0, 0, 0, 0.5, 0, 0.25]);
    expect([...queryVector(query, 0b001)]).toEqual([1, 0, 0, 0, 0, 0]);
  });

  it("gives the model's score as inner product: sum w a <T, V> / sum w a", () => {
    const segment = [0.6, 0.8, /* the second expert is missing */ 0, 0, 0, 0.5];
    const expected = (0.5 * 0.6 + 0.25 * 0.5 * 0.5) / (0.5 + 0.25);
    expect(dot(queryVector(query, 0b101), segment)).toBeCloseTo(expected, 7);
  });

  it("is zero for a pattern without experts", () => {
    expect([...queryVector(query, 0)]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
