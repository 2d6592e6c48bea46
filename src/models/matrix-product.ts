import { InferenceSession, Tensor } from "onnxruntime-node";

/**
 * An ONNX graph of one node, MatMul: `rows` [m, d] times `columns` [d, n] gives `products` [m, n]. Made once with
 *
 *     helper.make_graph([helper.make_node("MatMul", ["rows", "columns"], ["products"])], "products", inputs, outputs)
 *     helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
 */
const GRAPH =
  "CAg6ggEKIQoEcm93cwoHY29sdW1ucxIIcHJvZHVjdHMiBk1hdE11bBIIcHJvZHVjdHNaGAoEcm93cxIQCg4IARIKCgMSAW0KAxIBZFobCgdj" +
  "b2x1bW5zEhAKDggBEgoKAxIBZAoDEgFuYhwKCHByb2R1Y3RzEhAKDggBEgoKAxIBbQoDEgFuQgQKABAN";

/**
 * Inner products of vectors with vectors.
 *
 * @param rows vectors as rows, [m, dimension] row-major
 * @param columns vectors as columns, [dimension, n] row-major
 * @param into where to write the products, [m, n]: spares making an array each time
 * @returns the inner product of each row with each column, [m, n] row-major
 */
export type MatrixProduct = (
  rows: Float32Array,
  columns: Float32Array,
  dimension: number,
  into?: Float32Array,
) => Promise<Float32Array>;

/**
 * Opens the product. It blocks its thread while it runs.
 *
 * Columns instead of rows, because ONNX Runtime multiplies a row vector with a matrix twice as fast as a matrix with a
 * column vector. Within products of one shape it sums up every element in the same order wherever it stands, so equal
 * vectors have equal inner products. In products of different shapes they may differ in the last digit.
 *
 * @param threads CPU threads of a product
 */
export async function openMatrixProduct(threads: number): Promise<MatrixProduct> {
  const session = await InferenceSession.create(Buffer.from(GRAPH, "base64"), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  });
  return async (rows, columns, dimension, into) => {
    const [m, n] = [rows.length / dimension, columns.length / dimension];
    const inputs = {
      rows: new Tensor("float32", rows, [m, dimension]),
      columns: new Tensor("float32", columns, [dimension, n]),
    };
    if (into === undefined) return (await session.run(inputs)).products!.data as Float32Array;
    await session.run(inputs, { products: new Tensor("float32", into, [m, n]) });
    return into;
  };
}
