/** Vectors or scores from which no ranking can be made. It ends a request inside the thread that scores. */
export class UnusableScoresError extends Error {
  override readonly name = "UnusableScoresError";
}
