/** Ranks of the right answers, as the paper counts them (reference fact 3): from 0, ties averaged. */

/** Scores of captions with clips, and which belong together. */
export interface SimilarityTable {
  /** [rows, clips] row-major. */
  scores: Float32Array | Float64Array;
  /** Number of clips. */
  clips: number;
  /** The clip of each caption. */
  clipOfCaption: Uint32Array;
  /** The row of each caption, where captions of the same text share one; row j is that of caption j when left out. */
  rowOfCaption?: Uint32Array;
  /** 1 for each caption that exists, 0 for a gap in a table with the same number of rows for every clip; all when left out. */
  exists?: Uint8Array;
}

/**
 * For every caption that exists the rank of its clip among all clips: the number of clips with a better score plus half
 * the number of other clips with exactly its score.
 *
 * @throws RangeError the table's parts do not fit together, or a score is NaN
 */
export function textToAudioRanks(table: SimilarityTable): Float64Array {
  const { scores, clips, clipOfCaption } = checked(table);
  const ranks: number[] = [];
  forEachCaption(table, (caption, start) => {
    const own = scores[start + clipOfCaption[caption]!]!;
    let better = 0;
    let equal = 0;
    for (let place = start; place < start + clips; place++) {
      const score = scores[place]!;
      if (score > own) better++;
      else if (score === own) equal++;
      else if (Number.isNaN(score)) throw notRankable();
    }
    ranks.push(better + (equal - 1) / 2);
  });
  return Float64Array.from(ranks);
}

/**
 * For every clip the best rank among its own captions, in a ranking of all captions that exist. Infinity for a clip
 * without a caption.
 *
 * @throws RangeError as {@link textToAudioRanks}
 */
export function audioToTextRanks(table: SimilarityTable): Float64Array {
  const { scores, clips } = checked(table);
  // The caption of the best score has the best rank: those before it are better, those beside it share theirs.
  const own = bestOwnScores(table);
  const better = new Uint32Array(clips);
  const equal = new Uint32Array(clips);
  forEachCaption(table, (_, start) => {
    for (let clip = 0; clip < clips; clip++) {
      const score = scores[start + clip]!;
      const mine = own[clip]!;
      if (score > mine) better[clip]!++;
      else if (score === mine) equal[clip]!++;
      else if (Number.isNaN(score)) throw notRankable();
    }
  });
  return Float64Array.from(own, (score, clip) =>
    Number.isNaN(score) ? Infinity : better[clip]! + (equal[clip]! - 1) / 2,
  );
}

/** For every clip the score of the best of its own captions; NaN for a clip without a caption. */
export function bestOwnScores(table: SimilarityTable): Float64Array {
  const best = new Float64Array(table.clips).fill(NaN);
  forEachCaption(table, (caption, start) => {
    const clip = table.clipOfCaption[caption]!;
    const score = table.scores[start + clip]!;
    if (!(best[clip]! >= score)) best[clip] = score;
  });
  return best;
}

/** Visits the captions that exist, each with the place of its row's first score. */
export function forEachCaption(table: SimilarityTable, visit: (caption: number, start: number) => void): void {
  const { clips, clipOfCaption, rowOfCaption, exists } = table;
  for (let caption = 0; caption < clipOfCaption.length; caption++) {
    if (exists === undefined || exists[caption] === 1) visit(caption, (rowOfCaption?.[caption] ?? caption) * clips);
  }
}

function checked(table: SimilarityTable): SimilarityTable {
  const { scores, clips, clipOfCaption, rowOfCaption, exists } = table;
  const captions = clipOfCaption.length;
  const rows = scores.length / clips;
  if (rowOfCaption === undefined ? rows !== captions : rowOfCaption.length !== captions || !Number.isInteger(rows)) {
    throw new RangeError(`${scores.length} scores are no table of ${captions} captions and ${clips} clips`);
  }
  if (exists !== undefined && exists.length !== captions) {
    throw new RangeError(`a mask of ${exists.length} entries does not fit ${captions} captions`);
  }
  if (rowOfCaption?.some((row) => row >= rows) === true || clipOfCaption.some((clip) => clip >= clips)) {
    throw new RangeError("a caption names a row or a clip that is not in the table");
  }
  return table;
}

function notRankable(): RangeError {
  return new RangeError("a score is NaN: it cannot be ranked");
}
