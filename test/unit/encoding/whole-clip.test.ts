import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEncoder, type EncoderOptions } from "../../../src/encoding/encoder.js";
import type { EncodedClip, EncodedSegment, VideoStreams } from "../../../src/encoding/types.js";
import type { InferencePool } from "../../../src/models/inference.js";
import { loadModelPack, type ModelPack } from "../../../src/models/pack.js";
import { film, RED, watched, type Rgb } from "../../fixtures/films.js";
import { openPool } from "../../fixtures/inference-pool.js";
import { inChunks, inTurn, noise, SAMPLE_RATE, silence, tone } from "../../fixtures/sounds.js";
import { SEEING_PACK, TINY_PACK } from "../../fixtures/tiny-pack.js";

let hearing: ModelPack;
let seeing: ModelPack;
let hearingPool: InferencePool;
let seeingPool: InferencePool;

beforeAll(async () => {
  [hearing, seeing] = await Promise.all([loadModelPack(TINY_PACK), loadModelPack(SEEING_PACK)]);
  [hearingPool, seeingPool] = await Promise.all([openPool(hearing, 2), openPool(seeing, 2)]);
}, 60_000);
afterAll(() => Promise.all([hearingPool.close(), seeingPool.close()]));

const hear = (sound: AsyncIterable<Float32Array>, pool = hearingPool, options: EncoderOptions = {}) =>
  createEncoder(hearing, pool, options).encodeClip({ sound });

const see = (streams: VideoStreams, pool = seeingPool, options: EncoderOptions = {}) =>
  createEncoder(seeing, pool, options).encodeClip(streams);

const seconds = (count: number) => count * SAMPLE_RATE;
const chunks = (sound: Float32Array) => inChunks(sound, 7_000);
const letters = ["v", "i", "r", "s", "V"];
const experts = (clip: EncodedClip | null) =>
  letters.filter((_, e) => (((clip?.pattern ?? 0) >> e) & 1) === 1).join("");

/** Red is 0 at the start, and one more every tenth of a second. */
const rising = (time: number): Rgb => [Math.round(time * 10), 100, 0];
/** Every third of numbers that are colours, as 0..255. */
const reds = (features: readonly number[]) =>
  features.filter((_, i) => i % 3 === 0).map((red) => Math.round(red * 255 * 1000) / 1000);

function expectSame(found: EncodedClip | null, expected: EncodedClip | null): void {
  expect(found?.pattern).toBe(expected?.pattern);
  found!.vector.forEach((value, i) => expect(Math.abs(value - expected!.vector[i]!)).toBeLessThan(1e-5));
}

/** Sound that goes on for ever, with a note of how much was taken. */
function endless(): { sound: AsyncIterable<Float32Array>; taken: () => number; closed: () => boolean } {
  let taken = 0;
  let closed = false;
  async function* sound() {
    try {
      for (;;) {
        taken += SAMPLE_RATE;
        yield await Promise.resolve(noise(SAMPLE_RATE, taken));
      }
    } finally {
      closed = true;
    }
  }
  return { sound: sound(), taken: () => taken, closed: () => closed };
}

describe("encoding a whole clip", { timeout: 60_000 }, () => {
  it("gives the clip encoder each audio expert's tokens from the start, cut at its limit", async () => {
    const sound = noise(seconds(20), 1);
    const pool = watched(hearingPool);
    await hear(chunks(sound), pool);
    const run = async (name: string, length: number, hop: number, windows: number) => {
      const data = new Float32Array(windows * length);
      for (let w = 0; w < windows; w++) data.set(sound.subarray(w * hop, w * hop + length), w * length);
      return (await hearingPool.run(name, { waveform: { data, dims: [windows, length] } }))["features"]!.data;
    };
    const vggish = await run("vggish", 15_600, 15_360, 4);
    const vggsound = await run("vggsound", 30_893, 30_720, 2);
    expect(pool.features["vggish"]).toHaveLength(1);
    pool.features["vggish"]![0]!.forEach((value, i) => expect(value).toBeCloseTo(vggish[i]!, 4));
    pool.features["vggsound"]![0]!.forEach((value, i) => expect(value).toBeCloseTo(vggsound[i]!, 4));
    expect(pool.windows).toEqual({ vggish: 4, vggsound: 2 });
  });

  it("gives a clip that is shorter than a segment what its one segment gives", async () => {
    for (const length of [3_200, 30_000, 61_440]) {
      const segments: EncodedSegment[] = [];
      const encoder = createEncoder(hearing, hearingPool);
      for await (const group of encoder.encodeAudio(chunks(noise(length, 2)))) segments.push(...group);
      expect(segments).toHaveLength(1);
      expectSame(await hear(chunks(noise(length, 2))), segments[0]!);
    }
  });

  it("takes the mean of all frames of an averaged expert, and the first tokens of a sequence", async () => {
    const pool = watched(seeingPool);
    const clip = await see({ pictures: film(rising, 12) }, pool);
    const { inst, r2p1d, scene } = pool.features;
    // 120 frames, of a second after the other ten.
    expect(reds(inst![0]!)).toEqual([59.5]);
    // Windows of eight frames, one each second, two tokens each, five of which are kept.
    expect(reds(r2p1d![0]!)).toEqual([1.5, 5.5, 11.5, 15.5, 21.5]);
    expect(reds(scene![0]!)).toEqual([0, 2, 4, 6]);
    expect(pool.windows).toEqual({ inst: 120, r2p1d: 3, scene: 4 });
    expect(experts(clip)).toBe("irs");
  });

  it("takes pictures that come late from their first one on", async () => {
    const pool = watched(seeingPool);
    await see({ pictures: film(rising, 3, 4.5) }, pool);
    expect(reds(pool.features["inst"]![0]!)).toEqual([14.5]);
    expect(reds(pool.features["scene"]![0]!)).toEqual([0, 2, 4, 6]);
  });

  it("hears and sees, and lacks what there is no stream for", async () => {
    const sound = () => chunks(noise(seconds(4), 3));
    const pictures = () => film(() => RED, 4);
    expect(experts(await see({ sound: sound(), pictures: pictures() }))).toBe("virsV");
    expect(experts(await see({ sound: sound() }))).toBe("vV");
    expect(experts(await see({ pictures: pictures() }))).toBe("irs");
    expect(await see({})).toBeNull();
    expect(await see({ sound: chunks(silence(0)), pictures: film(() => RED, 0) })).toBeNull();
  });

  it("lacks the audio experts where there is silence throughout, and only there", async () => {
    expect(await hear(chunks(silence(seconds(9))))).toBeNull();
    expect(await hear(chunks(tone(500, seconds(9), 0.00009)))).toBeNull();
    expect(experts(await see({ sound: chunks(silence(seconds(3))), pictures: film(() => RED, 3) }))).toBe("irs");
    // The experts' limits end long before the first sound.
    expect(await hear(chunks(inTurn(silence(seconds(60)), tone(500, 100))))).toMatchObject({ pattern: 0b11 });
  });

  it("reads no further than it needs, and closes the stream", async () => {
    const { sound, taken, closed } = endless();
    expect(await hear(sound)).toMatchObject({ pattern: 0b11 });
    expect(closed()).toBe(true);
    // It needs 3.84 s; some groups more may be in flight.
    expect(taken()).toBeLessThanOrEqual(seconds(5 * 4));
  });

  it("runs only the experts that take part, and opens no pictures for those that hear", async () => {
    const pool = watched(seeingPool);
    const pictures = film(() => RED, 4);
    const streams = { sound: chunks(noise(seconds(4), 4)), pictures };
    expect(experts(await see(streams, pool, { experts: ["vggsound"] }))).toBe("V");
    expect(Object.keys(pool.windows)).toEqual(["vggsound"]);
    expect(pictures.opened).toEqual([]);
    const onlySeen = watched(seeingPool);
    const silent = { sound: chunks(silence(seconds(4))), pictures: film(rising, 4) };
    expect(experts(await see(silent, onlySeen, { experts: ["scene"] }))).toBe("s");
    expect(onlySeen.windows).toEqual({ scene: 4 });
  });

  it("gives the same vector whatever the batch size, the chunks, and the number of workers", async () => {
    const samples = inTurn(noise(seconds(3), 5), silence(seconds(2)), noise(seconds(4) + 99, 6));
    const colours = (time: number): Rgb => [(time * 31) % 256, (time * 77) % 256, (time * 5) % 256];
    const streams = (chunk: number) => ({ sound: inChunks(samples, chunk), pictures: film(colours, 11.7, 0.35) });
    const expected = await see(streams(7_000));
    expect(experts(expected)).toBe("virsV");
    expectSame(await see(streams(7_000), seeingPool, { batchSize: 1 }), expected);
    expectSame(await see(streams(999), seeingPool, { batchSize: 7 }), expected);
    expectSame(await see(streams(1_000_000), seeingPool, { batchSize: 1000 }), expected);
    for (const threads of [1, 3]) {
      const pool = await openPool(seeing, threads);
      expectSame(await see(streams(7_000), pool), expected);
      await pool.close();
    }
  });

  it("ends with its signal's reason, and closes the streams", async () => {
    const abort = new AbortController();
    const pictures = film(() => {
      if (pictures.taken() > 100) abort.abort(new Error("enough"));
      return RED;
    });
    await expect(createEncoder(seeing, seeingPool).encodeClip({ pictures }, abort.signal)).rejects.toThrow("enough");
    expect(pictures.closed()).toBe(2);
  });

  it("fails when a stream does", async () => {
    async function* broken() {
      yield await Promise.resolve(noise(SAMPLE_RATE, 8));
      throw new Error("the sound is damaged");
    }
    await expect(hear(broken())).rejects.toThrow("the sound is damaged");
  });
});

describe("segments of a video with some of a pack's experts", () => {
  it("lack the others, which are not run", async () => {
    const pool = watched(seeingPool);
    const pictures = film(() => RED, 4);
    const found: EncodedSegment[] = [];
    const encoder = createEncoder(seeing, pool, { experts: ["vggish", "inst"] });
    for await (const group of encoder.encodeVideo({ sound: chunks(noise(seconds(4), 9)), pictures }))
      found.push(...group);
    expect(found.map(experts)).toEqual(["vi", "vi", "vi"]);
    expect(Object.keys(pool.windows).sort()).toEqual(["inst", "vggish"]);
    expect(pictures.opened).toHaveLength(1);
  });
});
