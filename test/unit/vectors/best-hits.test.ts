import { describe, expect, it } from "vitest";
import { BestHits, compareHits } from "../../../src/vectors/best-hits.js";
import { randomNumbers } from "../../fixtures/sounds.js";

const hit = (segmentId: string, score: number) => ({ segmentId, videoId: "v", score });

describe("the best hits", () => {
  it("are those that sorting everything would give", () => {
    const random = randomNumbers(2);
    // Few different scores, so that there are many ties.
    const all = Array.from({ length: 20_000 }, (_, n) =>
      hit(`s${String((n * 7919) % 20_000).padStart(5, "0")}`, Math.floor(random() * 50)),
    );
    for (const limit of [1, 10, 600, 30_000]) {
      const best = new BestHits(limit, compareHits);
      for (const candidate of all) if (best.mayHold(candidate.score)) best.add(candidate);
      expect(best.sorted()).toEqual([...all].sort(compareHits).slice(0, limit));
    }
  });

  it("stop taking what cannot be among them any more", () => {
    const best = new BestHits(2, compareHits);
    for (let n = 0; n < 5000; n++) if (best.mayHold(n)) best.add(hit(`s${n}`, n));
    expect(best.sorted().map(({ score }) => score)).toEqual([4999, 4998]);
    expect(best.mayHold(4998)).toBe(true);
    expect(best.mayHold(4997)).toBe(false);
  });
});
