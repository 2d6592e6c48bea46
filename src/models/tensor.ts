/** A dense array with its shape, row-major. */
export interface Tensor<Data extends TensorData = Float32Array> {
  data: Data;
  dims: readonly number[];
}

/** What a tensor may hold: float32 everywhere, and uint8 for frames. */
export type TensorData = Float32Array | Uint8Array;

/** A tensor that goes into a graph. */
export type InputTensor = Tensor<TensorData>;
