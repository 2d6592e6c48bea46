/** A dense float32 array with its shape, row-major. */
export interface Tensor {
  data: Float32Array;
  dims: readonly number[];
}

/** Number of values a shape holds. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
