/** Pseudo-random numbers that are the same for the same seed (mulberry32). */
export class RandomNumbers {
  constructor(private state: number) {}

  /** 0 <= x < 1. */
  uniform(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, 0 <= n < limit. */
  below(limit: number): number {
    return Math.floor(this.uniform() * limit);
  }

  /**
   * A unit vector near another one.
   *
   * @param centre a unit vector
   * @param share about the inner product of the two: 1 gives the centre itself, 0 any direction
   */
  near(centre: Float32Array, share: number): Float32Array {
    // A random direction, about at a right angle to the centre.
    const noise = Float32Array.from(centre, () => this.normal());
    const scale = Math.sqrt(1 - share * share) / norm(noise);
    const near = centre.map((x, d) => share * x + scale * noise[d]!);
    const length = norm(near);
    return near.map((x) => x / length);
  }

  /** Normally distributed, mean 0, variance 1 (Box and Muller). */
  private normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
}

function norm(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
}
