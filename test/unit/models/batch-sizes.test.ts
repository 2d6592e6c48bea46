import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { findBatchSize, type Trial } from "../../../src/models/batch-trial.js";
import { createInferencePool, type InferenceOptions, type InferencePool } from "../../../src/models/inference.js";
import { loadModelPack, type ModelPack } from "../../../src/models/pack.js";
import type { Tensor } from "../../../src/models/tensor.js";
import type { Observation } from "../../../src/telemetry/index.js";
import { createEncoder } from "../../../src/encoding/encoder.js";
import { MOST_WINDOWS, writeHungryPack } from "../../fixtures/hungry-pack.js";
import { recordedLog, type RecordedLog } from "../../fixtures/recorded-log.js";
import { tone } from "../../fixtures/sounds.js";
import { TINY_PACK } from "../../fixtures/tiny-pack.js";

const WINDOW = 15_600;
const MEGABYTE = 2 ** 20;

let folder: string;
let tiny: ModelPack;
let hungry: ModelPack;
let pools: InferencePool[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "earshot-batches-"));
  tiny = await loadModelPack(TINY_PACK);
  hungry = await writeHungryPack(path.join(folder, "hungry"));
});
afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  pools = [];
});
afterAll(() => rm(folder, { recursive: true }));

async function open(
  pack: ModelPack,
  options: Partial<InferenceOptions>,
  log: RecordedLog = recordedLog(),
  seen: Observation[] = [],
): Promise<InferencePool> {
  const cpu = { executionProviders: ["cpu"], whenProviderMissing: "refuse", threads: 1 } as const;
  const pool = await createInferencePool(pack, { ...cpu, ...options }, log, (what) => seen.push(what));
  pools.push(pool);
  return pool;
}

function windows(number: number): Record<string, Tensor> {
  const data = new Float32Array(number * WINDOW);
  for (let row = 0; row < number; row++) data.set(tone(250 * (row + 1), WINDOW), row * WINDOW);
  return { waveform: { data, dims: [number, WINDOW] } };
}

describe("a batch for which the memory does not suffice", () => {
  it("is run in parts, with the same result, and later batches are smaller from the start", async () => {
    const expected = await (await open(tiny, {})).run("vggish", windows(11));
    const log = recordedLog();
    const seen: Observation[] = [];
    const pool = await open(hungry, { batchSize: 32 }, log, seen);
    const found = await pool.run("vggish", windows(11));
    expect(found["features"]!.dims).toEqual([11, 1, 8]);
    expect([...found["features"]!.data]).toEqual([...expected["features"]!.data]);
    const limit = 2; // 11, then 5, then 2: the halves of what did not fit.
    const reduced = expect.objectContaining({ level: "warn", details: { model: "vggish", batchSize: limit, devices: ["cpu"] } }) as object;
    expect(log.lines.filter(({ level }) => level === "warn")).toEqual([reduced]);
    expect(seen).toContainEqual({ kind: "batch-reduced", model: "vggish" });

    await pool.run("vggish", windows(11));
    expect(log.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  });

  it("makes what is encoded from then on take smaller batches, and changes no embedding", async () => {
    const sound = tone(1000, 20 * 16_000);
    const encode = async (pack: ModelPack, pool: InferencePool) => {
      const vectors: number[] = [];
      for await (const group of createEncoder(pack, pool).encodeAudio(inOneChunk(sound)))
        for (const { vector } of group) vectors.push(...vector);
      return vectors;
    };
    const seen: Observation[] = [];
    const pool = await open(hungry, { batchSize: 32 }, recordedLog(), seen);
    const first = await encode(hungry, pool);
    expect((await pool.batchSizes()).get("vggish")).toBeLessThanOrEqual(MOST_WINDOWS);
    seen.length = 0;
    const second = await encode(hungry, pool);
    const batches = seen.flatMap((what) => (what.kind === "inference" && what.model === "vggish" ? [what.batch] : []));
    expect(Math.max(...batches)).toBeLessThanOrEqual(MOST_WINDOWS);
    const expected = await encode(tiny, await open(tiny, {}));
    for (const found of [first, second]) {
      expect(found).toHaveLength(expected.length);
      found.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5));
    }
  });

  async function* inOneChunk(sound: Float32Array): AsyncGenerator<Float32Array> {
    await Promise.resolve();
    yield sound.slice();
  }
});

describe('the batch size "auto"', () => {
  it("is found for each expert, within what the memory allows, and kept for the next process", async () => {
    const batchSizeFile = path.join(folder, "batch-sizes.json");
    const log = recordedLog();
    const first = await (await open(hungry, { batchSize: "auto", batchSizeFile }, log)).batchSizes();
    expect([...first.keys()]).toEqual(["vggish", "vggsound"]);
    for (const size of first.values()) expect(size).toBeGreaterThanOrEqual(1);
    // Beyond that the runtime fails in the trial, which must not be taken for an answer.
    expect(first.get("vggish")).toBeLessThanOrEqual(MOST_WINDOWS);
    expect(log.lines.filter(({ level }) => level === "info")).toHaveLength(2);
    expect(Object.keys(JSON.parse(await readFile(batchSizeFile, "utf8")) as object)).toHaveLength(2);

    const again = recordedLog();
    expect(await (await open(hungry, { batchSize: "auto", batchSizeFile }, again)).batchSizes()).toEqual(first);
    expect(again.lines.filter(({ level }) => level === "info")).toEqual([]);
  });

  it("is found anew when the kept file is damaged", async () => {
    const batchSizeFile = path.join(folder, "damaged.json");
    await writeFile(batchSizeFile, '{"torn');
    const sizes = await (await open(tiny, { batchSize: "auto", batchSizeFile })).batchSizes();
    expect(sizes.size).toBe(2);
    expect(Object.keys(JSON.parse(await readFile(batchSizeFile, "utf8")) as object)).toHaveLength(2);
  });

  it("is 1 when the budget has no room for two windows", async () => {
    const pool = await open(tiny, { batchSize: "auto", memoryBudgetBytes: 1 });
    expect(Object.fromEntries(await pool.batchSizes())).toEqual({ vggish: 1, vggsound: 1 });
  });

  it("is the usual one when the models cannot be tried", async () => {
    const log = recordedLog();
    const pool = await open(tiny, { batchSize: "auto" }, log);
    await pool.close();
    expect(Object.fromEntries(await pool.batchSizes())).toEqual({ vggish: 32, vggsound: 32 });
    expect(log.lines).toContainEqual(expect.objectContaining({ level: "warn" }));
  });
});

describe("the search for a batch size", () => {
  /** A model that needs `fixed` seconds for a run and `each` for a window, and `bytes` for a window. */
  function model({ fixed = 0, each = 0.001, bytes = 0, fails = Infinity }) {
    const tried: number[] = [];
    const attempt = (number: number): Promise<Trial | undefined> => {
      tried.push(number);
      if (number > fails) return Promise.resolve(undefined);
      return Promise.resolve({ seconds: fixed + each * number, memory: 500 * MEGABYTE + bytes * number });
    };
    return { tried, attempt };
  }
  const limits = { budgetBytes: 2 ** 30, leastBytesPerWindow: 1 };

  it("goes on as long as a larger batch is quicker for each window", async () => {
    const { attempt } = model({ fixed: 0.016, each: 0.001 });
    // Seconds for a window: 0.017, 0.009, 0.005, 0.003, 0.002, 0.0015, 0.00125, 0.001125, 0.0010625; each more than 5 % less.
    expect((await findBatchSize(attempt, limits)).size).toBe(256);
  });

  it("ends where a larger batch brings nothing, and takes the smaller one", async () => {
    const { tried, attempt } = model({ fixed: 0.0001, each: 0.01 });
    expect((await findBatchSize(attempt, limits)).size).toBe(1);
    expect(tried).toEqual([1, 2, 4]);
  });

  it("stays within the budget, by what a window was seen to take", async () => {
    const { tried, attempt } = model({ fixed: 1e-1, each: 1e-3, bytes: 60 * MEGABYTE });
    const found = await findBatchSize(attempt, { ...limits, budgetBytes: 500 * MEGABYTE });
    expect(found).toEqual({ size: 8, bytesPerWindow: 60 * MEGABYTE });
    expect(tried).toEqual([1, 2, 4, 8]);
  });

  it("ends where the memory runs out", async () => {
    const { attempt } = model({ fixed: 0.1, each: 0.001, fails: 8 });
    expect((await findBatchSize(attempt, limits)).size).toBe(8);
  });

  it("does not try what would take long", async () => {
    const { tried, attempt } = model({ fixed: 0.9, each: 0.2 });
    expect((await findBatchSize(attempt, limits)).size).toBe(1);
    expect(tried).toEqual([1]);
  });
});
