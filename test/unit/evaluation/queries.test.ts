import { describe, expect, it } from "vitest";
import type { DatasetClip, EvaluationDataset, Protocol, WordFeatures } from "../../../src/evaluation/datasets/index.js";
import { planQueries, scoredCaptions } from "../../../src/evaluation/run/queries.js";
import { datasetOf } from "../../fixtures/clip-datasets.js";

const CAPTIONS = [["a hum", "a hiss", "rain"], [], ["a hum"], ["wind"]];
const clips = CAPTIONS.map((captions, row): DatasetClip => ({ id: `c${row}`, captions, media: [], row: row + 10 }));
const protocol = (more: Partial<Protocol>): Protocol => {
  return { textTokens: null, maxTokens: {}, fuseCaptions: false, captionsPerClip: 5, ...more };
};
const dataset = (more: Partial<EvaluationDataset> = {}) => datasetOf([], { clips, protocol: protocol({}), ...more });
const pool = Uint32Array.of(0, 2, 3);

describe("the queries of a data set", () => {
  it("are the captions of the clips that take part, each text once", () => {
    const plan = planQueries(dataset(), pool, null);
    expect(plan.texts.map(({ text }) => text)).toEqual(["a hum", "a hiss", "rain", "wind"]);
    expect(plan.captions.map(({ key, text }) => [key, text])).toEqual([
      ["c0#1", "a hum"],
      ["c0#2", "a hiss"],
      ["c0#3", "rain"],
      ["c2#1", "a hum"],
      ["c3#1", "wind"],
    ]);
    const { query, clip } = scoredCaptions(plan);
    expect([...query]).toEqual([0, 1, 2, 0, 3]);
    expect([...clip]).toEqual([0, 0, 0, 1, 2]);
  });

  it("are as many of each clip as the protocol says", () => {
    const plan = planQueries(dataset({ protocol: protocol({ captionsPerClip: 1 }) }), pool, null);
    expect(plan.captions.map(({ key }) => key)).toEqual(["c0#1", "c2#1", "c3#1"]);
  });

  it("are all captions of a clip in one where the protocol fuses them", () => {
    const plan = planQueries(dataset({ protocol: protocol({ fuseCaptions: true, captionsPerClip: 1 }) }), pool, null);
    expect(plan.captions.map(({ key, text }) => [key, text])).toEqual([
      ["c0", "a hum a hiss rain"],
      ["c2", "a hum"],
      ["c3", "wind"],
    ]);
  });

  it("are told by their word vectors where those are given, fused ones one behind the other", async () => {
    const words: WordFeatures = { dim: 2, read: (row, caption) => Promise.resolve(Float32Array.of(row, caption)) };
    const apart = planQueries(dataset(), pool, words);
    expect(apart.texts).toHaveLength(5);
    expect(await apart.texts[3]!.readWords!()).toEqual(Float32Array.of(12, 0));
    const fused = planQueries(dataset({ protocol: protocol({ fuseCaptions: true }) }), pool, words);
    expect(await fused.texts[0]!.readWords!()).toEqual(Float32Array.of(10, 0, 10, 1, 10, 2));
  });

  it("with several right clips keep those that take part, and are left out without one", () => {
    const query = (name: string, texts: string[], relevant: number[]) => ({ name, texts, relevant });
    const relevance = [
      { name: "both", queries: [query("x", ["a hum", "snow"], [0, 1, 3]), query("y", ["rain"], [1])] },
      { name: "none", queries: [query("z", ["rain"], [1])] },
    ];
    const plan = planQueries(dataset({ relevance }), pool, null);
    expect(plan.texts.map(({ text }) => text)).toEqual(["a hum", "a hiss", "rain", "wind", "snow"]);
    expect(plan.relevance).toEqual([{ name: "both", queries: [{ queries: [0, 4], relevant: [0, 2] }] }]);
  });

  it("with times belong to the clips that take part", () => {
    const truths = [{ startSeconds: 1, endSeconds: 2 }];
    const moments = [0, 1, 3].map((clip) => ({ clip, text: "rain", truths }));
    const plan = planQueries(dataset({ moments }), pool, null);
    expect(plan.moments).toEqual([
      { query: 2, clip: 0, truths },
      { query: 2, clip: 2, truths },
    ]);
  });
});
