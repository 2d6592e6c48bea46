/** A dense float32 array with its shape, row-major. */
export interface Tensor {
  data: Float32Array;
  dims: readonly number[];
}
