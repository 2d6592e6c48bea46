import { VectorDimensionMismatchError, VectorInvalidError } from "../errors.js";
import type { VectorPoint } from "./index.js";

/**
 * Checks that a vector fits an index.
 *
 * @throws VectorDimensionMismatchError, VectorInvalidError
 */
export function checkVector(vector: Float32Array, indexId: string, dimension: number): void {
  if (vector.length !== dimension) {
    throw new VectorDimensionMismatchError(
      `A vector of ${vector.length} values does not fit the index ${indexId}, whose vectors have ${dimension}.`,
    );
  }
  if (!vector.every(Number.isFinite))
    throw new VectorInvalidError("A vector holds values that are not finite numbers.");
}

/**
 * Checks that a point fits the index and the video that it is stored for.
 *
 * @throws VectorDimensionMismatchError, VectorInvalidError
 */
export function checkPoint(
  point: VectorPoint,
  indexId: string,
  dimension: number,
  tenant: string,
  videoId: string,
): void {
  checkVector(point.vector, indexId, dimension);
  if (point.videoId !== videoId || point.tenant !== tenant) {
    throw new VectorInvalidError("A vector to be stored belongs to another video or tenant than the write says.");
  }
}

/** The error for an index that was made for vectors of another width. */
export function otherDimension(id: string, found: number, dimension: number): VectorDimensionMismatchError {
  return new VectorDimensionMismatchError(
    `The index ${id} exists with vectors of ${found} values; the model pack gives ${dimension}. ` +
      "Give the changed pack another version.",
  );
}
