import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { createInferencePool, type InferenceOptions, type InferencePool } from "../../../src/models/inference.js";
import { loadModelPack, type ModelPack } from "../../../src/models/pack.js";
import type { Tensor } from "../../../src/models/tensor.js";
import { nodeArguments } from "../../fixtures/programs.js";
import type { Observation } from "../../../src/telemetry/index.js";
import { recordedLog } from "../../fixtures/recorded-log.js";
import { tone } from "../../fixtures/sounds.js";
import { SEEING_PACK, TINY_PACK } from "../../fixtures/tiny-pack.js";

const cpu: InferenceOptions = { executionProviders: ["cpu"], whenProviderMissing: "fallback", threads: 2 };
const WINDOW = 15_600;
/** Threads start slowly on a busy machine. */
const timeout = 60_000;

let pack: ModelPack;
/** A pool that no test harms. */
let shared: InferencePool;
let pools: InferencePool[] = [];
/** Every thread that was started since the last test began. */
let started: Worker[] = [];
const remember = (worker: Worker) => started.push(worker);

beforeAll(async () => {
  pack = await loadModelPack(TINY_PACK);
  shared = await createInferencePool(pack, cpu, recordedLog());
  process.on("worker", remember);
  return async () => {
    process.off("worker", remember);
    await shared.close();
  };
}, timeout);
afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  pools = [];
  started = [];
});

async function open(options: Partial<InferenceOptions> = {}, from = pack, log = recordedLog()): Promise<InferencePool> {
  const pool = await createInferencePool(from, { ...cpu, ...options }, log);
  pools.push(pool);
  return pool;
}

function windows(...hertz: number[]): Record<string, Tensor> {
  const data = new Float32Array(hertz.length * WINDOW);
  hertz.forEach((frequency, row) => data.set(tone(frequency, WINDOW), row * WINDOW));
  return { waveform: { data, dims: [hertz.length, WINDOW] } };
}

/** The band with the most energy in each row of the expert's features. */
function loudestBands({ data, dims }: Tensor): number[] {
  const bands = dims[2]!;
  return Array.from({ length: dims[0]! }, (_, row) => {
    const features = data.subarray(row * bands, (row + 1) * bands);
    return features.indexOf(Math.max(...features));
  });
}

describe("the inference pool", { timeout }, () => {
  it("runs an expert over a batch of windows", async () => {
    const { features } = await shared.run("vggish", windows(250, 4000, 1000));
    expect(features!.dims).toEqual([3, 1, 8]);
    expect(loudestBands(features!)).toEqual([1, 6, 3]);
  });

  it("takes the inputs over instead of copying them", async () => {
    const inputs = windows(250);
    await shared.run("vggish", inputs);
    expect(inputs["waveform"]!.data.length).toBe(0);
  });

  it("copies an input that is a view, so that its neighbours stay", async () => {
    const whole = new Float32Array(2 * WINDOW).fill(0.25);
    const data = whole.subarray(WINDOW);
    await shared.run("vggish", { waveform: { data, dims: [1, WINDOW] } });
    expect(whole.length).toBe(2 * WINDOW);
  });

  it("gives the same features with any number of threads and workers", async () => {
    const results = await Promise.all(
      [{ threads: 1 }, { threads: 2 }, { threads: 3, sessionsPerDevice: 1 }].map(async (options) => {
        const { features } = await (await open(options)).run("vggsound", {
          waveform: { data: tone(500, 30_893), dims: [1, 30_893] },
        });
        return [...features!.data];
      }),
    );
    for (const other of results.slice(1)) other.forEach((value, i) => expect(value).toBeCloseTo(results[0]![i]!, 5));
  });

  it("answers every one of many runs with its own result", async () => {
    const hertz = [125, 250, 500, 1000, 2000, 3000, 4000, 6000];
    const bands = await Promise.all(
      [...hertz, ...hertz, ...hertz].map(async (frequency) => loudestBands((await shared.run("vggish", windows(frequency)))["features"]!)[0]),
    );
    expect(bands).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("opens only the text encoder's thread until another model is needed", async () => {
    const pool = await open();
    expect(started).toHaveLength(1);
    await pool.run("vggish", windows(250));
    expect(started).toHaveLength(2);
    await pool.warmUp();
    expect(started).toHaveLength(3);
  });

  it("answers the text encoder while every other thread has work waiting", async () => {
    await shared.warmUp();
    let batchesDone = 0;
    const batches = Array.from({ length: 100 }, async () => {
      await shared.run("vggish", windows(500, 500, 500, 500));
      batchesDone++;
    });
    await shared.run("text-encoder", { words: { data: new Float32Array(240), dims: [1, 20, 12] } });
    expect(batchesDone).toBeLessThan(100);
    await Promise.all(batches);
  });

  it.each([
    ["a model it does not have", "vggface", windows(250), /no model "vggface"/],
    ["a missing input", "vggish", {}, /input "waveform" is missing/],
    ["an input of the wrong shape", "vggish", { waveform: { data: new Float32Array(10), dims: [1, 10] } }, /\[1, 10\], expected \[1, 15600\]/],
    ["fewer values than the shape says", "vggish", { waveform: { data: new Float32Array(10), dims: [1, WINDOW] } }, /vggish/],
  ])("refuses %s and goes on", async (_, model, inputs, message) => {
    await expect(shared.run(model, inputs)).rejects.toMatchObject({
      code: "INFERENCE_FAILED",
      message: expect.stringMatching(message) as string,
    });
    await expect(shared.run("vggish", windows(250))).resolves.toBeDefined();
  });

  it("rejects what a lost thread was doing, and starts another for what comes next", async () => {
    const log = recordedLog();
    const pool = await open({ threads: 1 }, pack, log);
    await pool.warmUp();
    // Idle threads may be ended like this; one in the middle of a run would take the process with it.
    const ended = started.at(-1)!.terminate();
    const lost = expect(pool.run("vggish", windows(500))).rejects.toMatchObject({
      code: "INFERENCE_WORKER_LOST",
      retryable: true,
    });
    await ended;
    await lost;
    await expect(pool.run("vggish", windows(250))).resolves.toBeDefined();
    expect(log.lines).toContainEqual(expect.objectContaining({ level: "warn", message: expect.stringContaining("lost") as string }));
  });

  it.each([0, 50, 150])("lets the process end in an orderly way %i ms into a run", async (milliseconds) => {
    const run = promisify(execFile)(process.execPath, [...nodeArguments("exit-while-running.ts"), String(milliseconds)]);
    await expect(run).rejects.toMatchObject({ code: 7 });
  });

  it("takes an aborted run out of the queue", async () => {
    const pool = await open({ threads: 1 });
    const abort = new AbortController();
    const running = Array.from({ length: 2 }, () => pool.run("vggish", windows(250)));
    const waiting = pool.run("vggish", windows(500), abort.signal);
    abort.abort(new Error("no longer wanted"));
    await expect(waiting).rejects.toThrow("no longer wanted");
    await expect(pool.run("vggish", windows(500), abort.signal)).rejects.toThrow("no longer wanted");
    await Promise.all(running);
  });

  it("rejects what is under way when it is closed, and refuses what comes later", async () => {
    const pool = await open();
    const runs = Array.from({ length: 8 }, () => pool.run("vggish", windows(250)));
    const all = Promise.allSettled(runs);
    await pool.close();
    for (const result of await all) {
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "INFERENCE_CLOSED" });
    }
    await expect(pool.run("text-encoder", {})).rejects.toMatchObject({ code: "INFERENCE_CLOSED" });
  });
});

describe("the inference pool of a pack that sees", { timeout }, () => {
  let seeing: InferencePool;
  beforeAll(async () => {
    seeing = await createInferencePool(await loadModelPack(SEEING_PACK), { ...cpu, threads: 1 }, recordedLog());
    return () => seeing.close();
  });

  /** Two frames of 24 x 12: all green, and red with its last row blue. */
  function frames(): Uint8Array {
    const data = new Uint8Array(2 * 12 * 24 * 3);
    for (let pixel = 0; pixel < 12 * 24; pixel++) {
      data[pixel * 3 + 1] = 255;
      data[(12 * 24 + pixel) * 3 + (pixel < 11 * 24 ? 0 : 2)] = 255;
    }
    return data;
  }

  it("hands over frames as bytes, to a graph whose weights lie beside it", async () => {
    const data = frames();
    const { features } = await seeing.run("scene", { frames: { data, dims: [2, 1, 12, 24, 3] } });
    expect(features!.dims).toEqual([2, 1, 3]);
    const expected = [0, 1, 0, 11 / 12, 0, 1 / 12];
    features!.data.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
    expect(data.length).toBe(0);
  });

  it("copies frames that are a part of something larger", async () => {
    const whole = frames();
    const data = whole.subarray(12 * 24 * 3);
    const { features } = await seeing.run("scene", { frames: { data, dims: [1, 1, 12, 24, 3] } });
    expect(features!.data[0]).toBeCloseTo(11 / 12, 5);
    expect(whole.length).toBe(2 * 12 * 24 * 3);
  });

  it("refuses frames that are no bytes, and bytes that are no sound", async () => {
    const floats = { data: new Float32Array(12 * 24 * 3), dims: [1, 1, 12, 24, 3] };
    await expect(seeing.run("scene", { frames: floats })).rejects.toMatchObject({
      code: "INFERENCE_FAILED",
      message: expect.stringContaining('"frames" is float32, expected uint8') as string,
    });
    const bytes = { data: new Uint8Array(WINDOW), dims: [1, WINDOW] };
    await expect(seeing.run("vggish", { waveform: bytes })).rejects.toMatchObject({ code: "INFERENCE_FAILED" });
  });
});

describe("a pool", { timeout }, () => {
  it("has as many sessions as it is told, whatever the number of threads", async () => {
    const pool = await open({ threads: 2, sessionsPerDevice: 3 });
    expect(pool.parallelism).toBe(3);
    await pool.warmUp();
    // One more for the text encoder.
    expect(started).toHaveLength(4);
    expect(pool.devices).toEqual(["cpu"]);
  });

  it("takes the exception for its pack's id before that for its name, and both before the rest", async () => {
    const packs = { tiny: { sessionsPerDevice: 3, batchSize: 5 }, "tiny@1.0.0": { sessionsPerDevice: 2 }, other: { batchSize: 6 } };
    const pool = await open({ threads: 1, packs });
    expect(pool.parallelism).toBe(2);
    expect(Object.fromEntries(await pool.batchSizes())).toEqual({ vggish: 5, vggsound: 5 });
  });

  it("tells what it loaded and ran", async () => {
    const seen: Observation[] = [];
    const pool = await createInferencePool(pack, { ...cpu, threads: 1 }, recordedLog(), (what) => seen.push(what));
    pools.push(pool);
    await pool.run("vggish", windows(250, 500, 1000));
    expect(seen.map(({ kind }) => kind)).toEqual(["model-load", "model-load", "inference"]);
    expect(seen[2]).toMatchObject({ model: "vggish", device: "cpu", batch: 3, seconds: expect.any(Number) as number });
  });
});

/** The CUDA build of the runtime, which an ordinary install lacks. */
const hasCuda = existsSync(
  fileURLToPath(new URL(`../bin/napi-v6/${process.platform}/${process.arch}/libonnxruntime_providers_cuda.so`, import.meta.resolve("onnxruntime-node"))),
);

describe.skipIf(hasCuda)("a pool that is asked for CUDA where there is none (skipped where CUDA is installed)", { timeout }, () => {
  const cuda: Partial<InferenceOptions> = { executionProviders: ["cuda", "cpu"] };

  it("says so once and goes on with the CPU", async () => {
    const log = recordedLog();
    const pool = await open({ ...cuda, cudaDeviceIds: [0, 3] }, pack, log);
    await pool.warmUp();
    expect(pool.executionProviders).toEqual(["cpu"]);
    expect(pool.devices).toEqual(["cpu"]);
    // The sessions are those of the CPU, not of the GPUs that are not there.
    expect(pool.parallelism).toBe(2);
    expect(log.lines.filter(({ level }) => level === "warn")).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(
          /^CUDA was asked for \(cuda:0, cuda:3\) and cannot be used: .+; the models run on the CPU$/,
        ) as string,
      }),
    ]);
    expect(pool.shortfall).toContain("cannot be used");
    expect(loudestBands((await pool.run("vggish", windows(4000)))["features"]!)).toEqual([6]);
  });

  it("refuses to start when told to", async () => {
    const refused = createInferencePool(pack, { ...cpu, ...cuda, whenProviderMissing: "refuse" }, recordedLog());
    await expect(refused).rejects.toMatchObject({ code: "PROVIDER_UNAVAILABLE", message: expect.stringMatching(/cuda:0.+docs\/gpu\.md/) as string });
  });
});

/** Fields that make an expert one that sees. */
const visual = { modality: "visual", framesPerSecond: 1, frameWidth: 4, frameHeight: 4, framesPerWindow: 1, hopFrames: 1 };

describe("a pack whose graphs are not what its manifest promises", { timeout }, () => {
  let folder: string;
  afterEach(() => rmSync(folder, { recursive: true }));

  function damaged(change: (copy: ModelPack) => void): ModelPack {
    folder = mkdtempSync(path.join(tmpdir(), "earshot-pack-"));
    cpSync(TINY_PACK, folder, { recursive: true });
    const copy = structuredClone({ ...pack, directory: folder });
    change(copy);
    return copy;
  }

  it("is refused at once when the text encoder is no ONNX graph", async () => {
    const copy = damaged(({ directory }) => writeFileSync(path.join(directory, "text-encoder.onnx"), "not a graph"));
    await expect(createInferencePool(copy, cpu, recordedLog())).rejects.toMatchObject({
      code: "MODEL_LOAD_FAILED",
      message: expect.stringContaining('"text-encoder.onnx"') as string,
    });
  });

  it.each([
    ["a width it does not have", (copy: ModelPack) => (copy.manifest.experts[0]!.featureDim = 9), /features.*\[batch, 1, 8\], expected float32 \[batch, 1, 9\]/],
    ["an output it does not have", (copy: ModelPack) => (copy.manifest.experts[1]!.name = "panns"), /no output "embedding_panns"/],
    ["frames where there is sound", (copy: ModelPack) => Object.assign(copy.manifest.experts[0]!, visual), /no input "frames"/],
    ["fewer experts than it has", (copy: ModelPack) => copy.manifest.experts.pop(), /"weights".*expected float32 \[batch, 1\]/],
  ])("is refused when the manifest gives %s", async (_, change, message) => {
    const copy = damaged(change);
    await expect(
      createInferencePool(copy, cpu, recordedLog()).then((pool) => {
        pools.push(pool);
        return pool.warmUp();
      }),
    ).rejects.toMatchObject({ code: "MODEL_LOAD_FAILED", message: expect.stringMatching(message) as string });
  });
});
