import { describe, expect, it } from "vitest";
import { audioToTextRanks, textToAudioRanks, type SimilarityTable } from "../../../src/evaluation/metrics/ranks.js";
import { randomNumbers } from "../../fixtures/sounds.js";

describe("ranks of clips for captions", () => {
  it("count from 0", () => {
    expect(textToAudioRanks(table([[3, 2, 1]], [1]))).toEqual(Float64Array.of(1));
  });

  it("are averaged over clips with exactly the same score", () => {
    expect(textToAudioRanks(table([[5, 5, 1]], [0]))).toEqual(Float64Array.of(0.5));
    expect(textToAudioRanks(table([[5, 5, 5]], [2]))).toEqual(Float64Array.of(1));
    expect(textToAudioRanks(table([[9, 5, 5, 5, 1]], [1]))).toEqual(Float64Array.of(2));
  });

  it("see the smallest difference that single precision has", () => {
    expect(textToAudioRanks(table([[1, 1 + 2 ** -23]], [0]))).toEqual(Float64Array.of(1));
  });

  it("leave out captions that do not exist", () => {
    const masked = {
      ...table(
        [
          [3, 1],
          [1, 1],
          [2, 5],
        ],
        [0, 0, 1],
      ),
      exists: Uint8Array.of(1, 0, 1),
    };
    expect(textToAudioRanks(masked)).toEqual(Float64Array.of(0, 0));
  });
});

describe("ranks of captions for clips", () => {
  it("are those of the best of a clip's own captions", () => {
    // The first clip's own captions are in places 3 and 1, the second one's in place 0.
    expect(
      audioToTextRanks(
        table(
          [
            [1, 0],
            [4, 0],
            [5, 9],
            [3, 1],
          ],
          [0, 0, 1, 1],
        ),
      ),
    ).toEqual(Float64Array.of(1, 0));
  });

  it("are averaged when the best of a clip's own captions tie with each other", () => {
    expect(
      audioToTextRanks(
        table(
          [
            [2, 0],
            [2, 0],
            [1, 1],
          ],
          [0, 0, 1],
        ),
      ),
    ).toEqual(Float64Array.of(0.5, 0));
  });

  it("take no notice of captions that do not exist, however good they look", () => {
    const masked = {
      ...table(
        [
          [1, 0],
          [9, 9],
          [0, 1],
          [9, 9],
        ],
        [0, 0, 1, 1],
      ),
      exists: Uint8Array.of(1, 0, 1, 0),
    };
    expect(audioToTextRanks(masked)).toEqual(Float64Array.of(0, 0));
  });

  it("are infinite for a clip without a caption", () => {
    expect(audioToTextRanks(table([[1, 0]], [0]))).toEqual(Float64Array.of(0, Infinity));
  });
});

describe("ranks of both directions", () => {
  it.each([1, 2, 3, 4, 5])("are those of a plain sort of random scores with many ties (%i)", (seed) => {
    const random = randomNumbers(seed);
    const clips = 2 + Math.floor(random() * 12);
    const clipOfCaption = Array.from({ length: clips * 3 }, (_, row) => row % clips).filter(
      (clip, row) => row < clips || random() < 0.6 || clip === 0,
    );
    const rows = clipOfCaption.map(() => Array.from({ length: clips }, () => Math.floor(random() * 6) / 4));
    const found = table(rows, clipOfCaption);
    expect([...textToAudioRanks(found)]).toEqual(
      rows.map((row, caption) => sortedRank(row, [clipOfCaption[caption]!])),
    );
    const columns = Array.from({ length: clips }, (_, clip) => rows.map((row) => row[clip]!));
    const own = (clip: number) => [...clipOfCaption.keys()].filter((caption) => clipOfCaption[caption] === clip);
    expect([...audioToTextRanks(found)]).toEqual(columns.map((column, clip) => sortedRank(column, own(clip))));
  });

  it("are the same when captions of one text share a row", () => {
    const shared: SimilarityTable = {
      scores: Float32Array.of(1, 2, 3, 6, 5, 4),
      clips: 3,
      clipOfCaption: Uint32Array.of(0, 1, 2, 1),
      rowOfCaption: Uint32Array.of(1, 0, 1, 1),
    };
    const apart = table(
      [
        [6, 5, 4],
        [1, 2, 3],
        [6, 5, 4],
        [6, 5, 4],
      ],
      [0, 1, 2, 1],
    );
    expect(textToAudioRanks(shared)).toEqual(textToAudioRanks(apart));
    expect(audioToTextRanks(shared)).toEqual(audioToTextRanks(apart));
  });

  it.each([
    ["a score is NaN", table([[1, NaN]], [0])],
    ["scores are missing", { ...table([[1, 2]], [0]), clips: 3 }],
    ["a caption's clip is not there", table([[1, 2]], [2])],
    ["the mask is of another length", { ...table([[1, 2]], [0]), exists: Uint8Array.of(1, 1) }],
    ["a caption's row is not there", { ...table([[1, 2]], [0]), rowOfCaption: Uint32Array.of(1) }],
  ])("are refused when %s", (_, broken) => {
    expect(() => textToAudioRanks(broken)).toThrow(RangeError);
    expect(() => audioToTextRanks(broken)).toThrow(RangeError);
  });
});

function table(rows: readonly (readonly number[])[], clipOfCaption: readonly number[]): SimilarityTable {
  return {
    scores: Float32Array.from(rows.flat()),
    clips: rows[0]!.length,
    clipOfCaption: Uint32Array.from(clipOfCaption),
  };
}

/** The best place among some of the scores, by sorting: equal scores share the mean of their places. */
function sortedRank(scores: readonly number[], own: readonly number[]): number {
  const sorted = scores.toSorted((a, b) => b - a);
  const rankOf = (score: number) => (sorted.indexOf(score) + sorted.lastIndexOf(score)) / 2;
  return Math.min(...own.map((place) => rankOf(scores[place]!)));
}
