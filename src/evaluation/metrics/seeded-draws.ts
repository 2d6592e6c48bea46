/** Pseudo-random whole numbers that are the same on every machine for the same seed (xoshiro128** by Blackman and Vigna). */
export class SeededDraws {
  private readonly state: Uint32Array;

  /** @param seed any whole number of at most 53 bits */
  constructor(seed: number) {
    const mixed = seedWords(seed);
    this.state = Uint32Array.from({ length: 4 }, mixed);
  }

  /** A whole number, 0 <= n < limit; `limit` is at most 2^32. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit);
  }

  private next(): number {
    const s = this.state;
    const found = Math.imul(rotated(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotated(s[3]!, 11);
    return found;
  }
}

/** Words that differ in about half of their bits whenever the seeds differ in one (splitmix with 32 bits). */
function seedWords(seed: number): () => number {
  let state = (seed | 0) ^ Math.imul(Math.floor(seed / 2 ** 32) | 0, 0x9e3779b9);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let word = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return word ^ (word >>> 15);
  };
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
