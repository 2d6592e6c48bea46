import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLIP_ENCODER } from "../../src/models/index.js";
import {
  encodeCaptions,
  encodeClips,
  encodeWords,
  IMPORTED_PACK,
  largestDifference,
  openPack,
  readSimilarities,
  similarities,
  type OpenPack,
} from "../fixtures/imported-pack.js";

const TOLERANCE = 1e-4;
const expected = readSimilarities(IMPORTED_PACK);

let open: OpenPack;

beforeAll(async () => {
  open = await openPack(IMPORTED_PACK);
});
afterAll(() => open.inference.close());

describe("a pack made of a checkpoint, against an independent computation", () => {
  it("has two experts that hear and two that see", () => {
    expect(open.pack.manifest.experts.map(({ name, modality, aggregation }) => [name, modality, aggregation])).toEqual([
      ["vggish", "audio", "sequence"],
      ["inst", "visual", "average"],
      ["r2p1d", "visual", "average"],
      ["vggsound", "audio", "sequence"],
    ]);
  });

  it("tells by its patterns which experts a clip lacks", async () => {
    const segments = await encodeClips(open, expected.clips);
    expect(segments.map(({ pattern }) => pattern)).toEqual([0b1111, 0b1110, 0b1111, 0b1001, 0b0110, 0b1000]);
  });

  it("gives the same similarities, with missing experts and padding", async () => {
    const found = similarities(await encodeWords(open, expected.texts), await encodeClips(open, expected.clips));
    expect(largestDifference(found, expected.similarities)).toBeLessThan(TOLERANCE);
  });

  it("gives them for captions, too: the words are found as in training", async () => {
    const found = similarities(await encodeCaptions(open, expected.texts), await encodeClips(open, expected.clips));
    expect(largestDifference(found, expected.similarities)).toBeLessThan(TOLERANCE);
  });

  it("gives others for the clip's other patterns, so that the patterns count", async () => {
    const segments = await encodeClips(open, expected.clips);
    const wrong = segments.map((segment) => ({ ...segment, pattern: 0b1111 }));
    const found = similarities(await encodeWords(open, expected.texts), wrong);
    expect(largestDifference(found, expected.similarities)).toBeGreaterThan(100 * TOLERANCE);
  });

  it("lets nothing of a missing expert's features through, not even what is no number", async () => {
    const { experts } = open.pack.manifest;
    const inputs = () => {
      const features = experts.map(({ name, maxTokens, featureDim }) => [
        `features_${name}`,
        { data: new Float32Array(maxTokens * featureDim).fill(0.5), dims: [1, maxTokens, featureDim] },
      ]);
      return { ...Object.fromEntries(features), availability: { data: new Float32Array([1, 0, 1, 0]), dims: [1, 4] } };
    };
    const clean = await open.inference.run(CLIP_ENCODER, inputs());
    const dirty = inputs();
    for (const name of ["inst", "vggsound"]) dirty[`features_${name}`].data.fill(NaN);
    const found = await open.inference.run(CLIP_ENCODER, dirty);
    for (const { name } of experts)
      expect([...found[`embedding_${name}`]!.data]).toEqual([...clean[`embedding_${name}`]!.data]);
    expect(found["embedding_inst"]!.data.every((value) => value === 0)).toBe(true);
  });
});
