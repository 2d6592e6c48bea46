import type { MomentPairs, MomentScores } from "./types.js";

/** Collects the scores of all rows of a clip for pairs of a query and a clip. */
export class MomentRows {
  /** Number of each row among those of its clip. */
  private readonly ordinalOfRow: Uint32Array;
  private readonly pairsOfClip = new Map<number, number[]>();
  private readonly first: Uint32Array;
  private readonly scores: Float32Array;

  /** @param pairs null: none */
  constructor(
    private readonly clipOfRow: Int32Array,
    clips: number,
    private readonly pairs: MomentPairs | null,
  ) {
    const rowsOfClip = new Uint32Array(clips);
    this.ordinalOfRow = Uint32Array.from(clipOfRow, (clip) => (clip === -1 ? 0 : rowsOfClip[clip]!++));
    this.first = new Uint32Array((pairs?.clip.length ?? 0) + 1);
    pairs?.clip.forEach((clip, pair) => {
      this.first[pair + 1] = this.first[pair]! + rowsOfClip[clip]!;
      const known = this.pairsOfClip.get(clip);
      if (known === undefined) this.pairsOfClip.set(clip, [pair]);
      else known.push(pair);
    });
    this.scores = new Float32Array(this.first.at(-1)!);
  }

  /**
   * Takes over scores.
   *
   * @param rows numbers of the rows that were scored
   * @param from the first query that was scored; `to`: the one behind the last
   * @param scoreOf the score of a query with the i-th of the rows
   */
  keep(rows: Int32Array, from: number, to: number, scoreOf: (query: number, i: number) => number): void {
    if (this.pairs === null) return;
    rows.forEach((row, i) => {
      for (const pair of this.pairsOfClip.get(this.clipOfRow[row]!) ?? []) {
        const query = this.pairs!.query[pair]!;
        if (query < from || query >= to) continue;
        this.scores[this.first[pair]! + this.ordinalOfRow[row]!] = scoreOf(query, i);
      }
    });
  }

  result(): MomentScores {
    return { first: this.first, scores: this.scores };
  }
}
