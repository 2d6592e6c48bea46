import { beforeAll, describe, expect, it } from "vitest";
import { openMatrixProduct, type MatrixProduct } from "../../../src/models/matrix-product.js";
import { packRows, type VectorRows } from "../../../src/vectors/local/rows.js";
import { SegmentMatrix } from "../../../src/vectors/local/segment-matrix.js";
import { randomNumbers } from "../../fixtures/sounds.js";

const DIMENSION = 6;
const TENANT = "default";

let product: MatrixProduct;
beforeAll(async () => {
  product = await openMatrixProduct(1);
});

interface Expected {
  segmentId: string;
  videoId: string;
  vector: Float32Array;
}

/** A matrix, and beside it the plain list it has to agree with. */
function tracked() {
  const matrix = new SegmentMatrix(DIMENSION, product);
  const list: Expected[] = [];
  const random = randomNumbers(3);
  const vector = () => Float32Array.from({ length: DIMENSION }, () => random() - 0.5);
  const rowsOf = (rows: readonly Expected[]): VectorRows =>
    packRows(
      rows.map((row, ordinal) => ({ ...row, tenant: TENANT, ordinal, pattern: 1 })),
      DIMENSION,
    );
  return {
    matrix,
    replace: (videoId: string, size: number): void => {
      const rows = Array.from({ length: size }, (_, s) => ({
        segmentId: `${videoId}/${s}`,
        videoId,
        vector: vector(),
      }));
      matrix.replaceVideo(videoId, rowsOf(rows));
      const others = list.filter((row) => row.videoId !== videoId);
      list.splice(0, list.length, ...others, ...rows);
    },
    check: async (limit: number, videoIds?: string[]): Promise<void> => {
      const query = vector();
      const filter = { tenant: TENANT, ...(videoIds === undefined ? {} : { videoIds }) };
      const hits = await matrix.query([{ pattern: 1, vector: query }], filter, limit);
      const expected = list
        .filter(({ videoId }) => videoIds?.includes(videoId) ?? true)
        .map((row) => ({ ...row, score: row.vector.reduce((sum, value, d) => sum + value * query[d]!, 0) }))
        .sort((a, b) => b.score - a.score)
        .slice(0, limit);
      expect(hits.map(({ segmentId, videoId }) => [segmentId, videoId])).toEqual(
        expected.map(({ segmentId, videoId }) => [segmentId, videoId]),
      );
      hits.forEach(({ score }, i) => expect(score).toBeCloseTo(expected[i]!.score, 5));
      expect(matrix.statistics().count).toBe(list.length);
    },
  };
}

describe("the matrix of an index", () => {
  it("agrees with a plain list while it grows through several blocks", async () => {
    const { replace, check } = tracked();
    for (const [video, size] of [1, 63, 1, 200, 3000, 900, 5000, 1].entries()) {
      replace(`v${video}`, size);
      await check(20);
      await check(5, [`v${video}`, "v1"]);
    }
  });

  it("agrees with a plain list while videos are replaced and removed at random", async () => {
    const { replace, check } = tracked();
    const random = randomNumbers(5);
    for (let step = 0; step < 150; step++) {
      replace(`v${Math.floor(random() * 12)}`, Math.floor(random() * 4) * 50);
      if (step % 10 === 0) await check(30);
    }
    await check(10_000);
  });

  it("agrees with a plain list after most of it was removed", async () => {
    const { matrix, replace, check } = tracked();
    for (let video = 0; video < 6; video++) replace(`v${video}`, 2000);
    for (let video = 0; video < 5; video++) {
      replace(`v${video}`, 0);
      await check(15);
    }
    replace("v5", 0);
    expect(matrix.statistics()).toEqual({ count: 0, patterns: [] });
    replace("v6", 10);
    await check(15);
  });

  it("gives equal vectors equal scores to the last bit, in whatever column they stand", async () => {
    const dimension = 512;
    const matrix = new SegmentMatrix(dimension, product);
    const random = randomNumbers(8);
    const vector = Float32Array.from({ length: dimension }, () => random() - 0.5);
    const query = Float32Array.from({ length: dimension }, () => random() - 0.5);
    const scores = new Set<number>();
    for (const [video, size] of [1, 3, 60, 70, 500, 4000].entries()) {
      const rows = Array.from({ length: size }, (_, s) => ({
        segmentId: `${video}/${s}`,
        videoId: `${video}`,
        tenant: TENANT,
        ordinal: s,
        pattern: 1,
        vector,
      }));
      matrix.replaceVideo(`${video}`, packRows(rows, dimension));
      const hits = await matrix.query([{ pattern: 1, vector: query }], { tenant: TENANT }, 10_000);
      for (const { score } of hits) scores.add(score);
    }
    expect(scores.size).toBe(1);
  });
});
