/** The mean of tokens that come in pieces. Summed up in double precision: a clip has thousands of frames. */
export class TokenMean {
  private readonly sum: Float64Array;
  private tokens = 0;

  /** @param width numbers of a token */
  constructor(width: number) {
    this.sum = new Float64Array(width);
  }

  /** Adds tokens [tokens, width]. */
  add(piece: Float32Array): void {
    const { sum } = this;
    this.tokens += piece.length / sum.length;
    for (let i = 0; i < piece.length; i++) sum[i % sum.length]! += piece[i]!;
  }

  /** The mean [width]; zeros when nothing was added. */
  value(): Float32Array {
    return Float32Array.from(this.sum, (value) => (this.tokens === 0 ? 0 : value / this.tokens));
  }
}
