import { InferenceSession, Tensor } from "onnxruntime-node";

/**
 * An ONNX graph of one node, MatMul: `query` [1, d] times `columns` [d, n] gives `scores` [1, n]. Made once with
 *
 *     helper.make_graph([helper.make_node("MatMul", ["query", "columns"], ["scores"])], "scores", inputs, outputs)
 *     helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
 */
const GRAPH =
  "CAg6fAogCgVxdWVyeQoHY29sdW1ucxIGc2NvcmVzIgZNYXRNdWwSBnNjb3Jlc1oYCgVxdWVyeRIPCg0IARIJCgIIAQoDEgFkWhsKB2NvbHVt" +
  "bnMSEAoOCAESCgoDEgFkCgMSAW5iGQoGc2NvcmVzEg8KDQgBEgkKAggBCgMSAW5CBAoAEA0=";

/**
 * Inner products of one query vector with many.
 *
 * @param query the query vector
 * @param columns the vectors as columns, [query.length, width] row-major
 * @returns one score for each column
 */
export type ScoreProduct = (query: Float32Array, columns: Float32Array, width: number) => Promise<Float32Array>;

/**
 * Opens the product. It blocks its thread while it runs.
 *
 * Columns instead of rows, because ONNX Runtime multiplies a row vector with a matrix twice as fast as a matrix with a
 * column vector. It sums up every column in the same order wherever the column stands, so equal vectors have equal scores.
 */
export async function openScoreProduct(): Promise<ScoreProduct> {
  const session = await InferenceSession.create(Buffer.from(GRAPH, "base64"), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  });
  return async (query, columns, width) => {
    const { scores } = await session.run({
      query: new Tensor("float32", query, [1, query.length]),
      columns: new Tensor("float32", columns, [query.length, width]),
    });
    return scores!.data as Float32Array;
  };
}
