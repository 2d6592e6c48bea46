import path from "node:path";
import { describe, expect, it } from "vitest";
import { resolveOptions, type EarshotOptions } from "../../../src/config/index.js";

describe("options", () => {
  it("have a default for everything", () => {
    const options = resolveOptions();
    expect(options).toMatchObject({
      dataDirectory: path.resolve(".earshot"),
      databaseUrl: `file:${path.resolve(".earshot/earshot.db")}`,
      temporaryDirectory: path.resolve(".earshot/tmp"),
      mediaRoots: [],
      allowBundledFfmpeg: true,
      audioTrack: "default",
      limits: { maxDurationSeconds: 43_200 },
      inference: { executionProviders: ["cpu"] },
      ingest: { concurrency: 1, maxAttempts: 3, silenceThreshold: 1e-4 },
      server: { port: 4000, host: "127.0.0.1" },
      logLevel: "info",
    });
    expect(path.basename(options.modelPack)).toBe("starter");
  });

  it("given in code win over the environment, field by field", () => {
    const options = resolveOptions(
      { server: { port: 5000 }, logLevel: undefined },
      {
        EARSHOT_PORT: "6000",
        EARSHOT_HOST: "::1",
        EARSHOT_LOG_LEVEL: "debug",
      },
    );
    expect(options.server).toMatchObject({ port: 5000, host: "::1" });
    expect(options.logLevel).toBe("debug");
  });

  it("keep no features unless they are given a size", () => {
    expect(resolveOptions().featureCache).toBeUndefined();
    expect(resolveOptions({}, { EARSHOT_FEATURE_CACHE_BYTES: "1000000" }).featureCache).toEqual({
      maxBytes: 1_000_000,
    });
  });

  it("become absolute paths", () => {
    const options = resolveOptions({
      dataDirectory: "data",
      mediaRoots: ["films", "/srv"],
      databaseUrl: "file:x/y.db",
    });
    expect(options.databaseUrl).toBe(`file:${path.resolve("x/y.db")}`);
    expect(options.mediaRoots).toEqual([path.resolve("films"), path.resolve("/srv")]);
    expect(resolveOptions({ databaseUrl: "file:///srv/y.db" }).databaseUrl).toBe("file:/srv/y.db");
  });

  it.each([
    [{ server: { port: 70_000 } }, "server.port"],
    [{ ingest: { concurrency: 0 } }, "ingest.concurrency"],
    [{ databaseUrl: "mysql://root:secret@x/y" }, "databaseUrl"],
    [{ database: { poolSize: 1 } }, "database.poolSize"],
    [{ audioTrack: "third" }, "audioTrack"],
    [{ featureCache: {} }, "featureCache.maxBytes"],
    [{ featureCache: { maxBytes: 0.5 } }, "featureCache.maxBytes"],
    [{ mediaRoot: "/srv" }, "mediaRoot"],
    [{ vectors: { engine: "faiss" } }, "vectors.engine"],
    [{ vectors: { qdrant: { url: "localhost:6333" } } }, "vectors.qdrant.url"],
    [{ vectors: { qdrant: { url: "http://user:pass@localhost" } } }, "vectors.qdrant.url"],
    [{ vectors: { qdrant: { collectionPrefix: "a/b" } } }, "vectors.qdrant.collectionPrefix"],
  ])("are refused, by name, when malformed or unknown: %j", (given, name) => {
    expect(() => resolveOptions(given as EarshotOptions)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTIONS", message: expect.stringContaining(name) as string }),
    );
  });
});

describe("options of the models", () => {
  it("take exceptions for packs, which say only what differs", () => {
    const { inference } = resolveOptions({
      inference: { batchSize: "auto", packs: { starter: { executionProviders: ["cuda"], batchSize: 64 } } },
    });
    expect(inference.batchSize).toBe("auto");
    expect(inference.packs).toEqual({ starter: { executionProviders: ["cuda"], batchSize: 64 } });
    expect(inference.batchSizeFile).toBe(path.resolve(".earshot/batch-sizes.json"));
  });

  it("are read from the environment", () => {
    const env = {
      EARSHOT_BATCH_SIZE: "auto",
      EARSHOT_CUDA_DEVICE_IDS: "0, 2",
      EARSHOT_CUDA_TF32: "true",
      EARSHOT_SESSIONS_PER_DEVICE: "2",
      EARSHOT_INFERENCE_MEMORY_BYTES: "1000000",
    };
    expect(resolveOptions({}, env).inference).toMatchObject({
      batchSize: "auto",
      cudaDeviceIds: [0, 2],
      cudaTf32: true,
      sessionsPerDevice: 2,
      memoryBudgetBytes: 1_000_000,
    });
    expect(resolveOptions({}, { EARSHOT_BATCH_SIZE: "16" }).inference.batchSize).toBe(16);
  });

  it.each([
    [{ batchSize: "large" }, /inference\.batchSize: must be a whole number above 0, or "auto"/],
    [{ batchSize: 0 }, /inference\.batchSize/],
    [{ cudaDeviceIds: [] }, /inference\.cudaDeviceIds/],
    [{ cudaDeviceIds: [-1] }, /inference\.cudaDeviceIds/],
    [{ packs: { starter: { cudaTf32: true } } }, /inference\.packs\.starter/],
  ])("are refused when malformed: %j", (inference, message) => {
    expect(() => resolveOptions({ inference } as unknown as EarshotOptions)).toThrow(message);
  });

  it("are named by their variable when it is malformed", () => {
    expect(() => resolveOptions({}, { EARSHOT_BATCH_SIZE: "many" })).toThrow(/EARSHOT_BATCH_SIZE/);
    expect(() => resolveOptions({}, { EARSHOT_CUDA_DEVICE_IDS: "first" })).toThrow(/EARSHOT_CUDA_DEVICE_IDS/);
  });
});

describe("environment variables", () => {
  it("say whether this process works, on all kinds of jobs or on one", () => {
    const work = (env: Record<string, string>) => {
      const { ingest, evaluation } = resolveOptions({}, env);
      return [ingest.work, evaluation.work];
    };
    expect(work({})).toEqual([true, true]);
    expect(work({ EARSHOT_WORK: "false" })).toEqual([false, false]);
    expect(work({ EARSHOT_WORK: "false", EARSHOT_INGEST_WORK: "true" })).toEqual([true, false]);
    expect(() => work({ EARSHOT_WORK: "perhaps" })).toThrow(expect.objectContaining({ code: "INVALID_ENVIRONMENT" }));
  });

  it("set options", () => {
    const options = resolveOptions(
      {},
      {
        EARSHOT_MEDIA_ROOTS: ["/a", "/b c"].join(path.delimiter),
        EARSHOT_MODEL_PACK_ROOTS: ["/packs", "/more packs"].join(path.delimiter),
        EARSHOT_EVALUATION_ROOTS: ["/data", "/models"].join(path.delimiter),
        EARSHOT_EXECUTION_PROVIDERS: "cuda, cpu",
        EARSHOT_ALLOW_BUNDLED_FFMPEG: "no",
        EARSHOT_DATABASE_URL: "postgresql://me:p%40ss@db:5432/earshot?sslmode=verify-full",
        EARSHOT_DATABASE_POOL_SIZE: "4",
        EARSHOT_DATABASE_CONNECT_TIMEOUT_SECONDS: "3",
        EARSHOT_DATABASE_STATEMENT_TIMEOUT_SECONDS: "20",
        EARSHOT_MAX_DURATION_SECONDS: "60.5",
        FFMPEG_PATH: "/opt/ffmpeg",
        EARSHOT_VECTOR_ENGINE: "qdrant",
        QDRANT_URL: "https://a.example:6333",
        EARSHOT_QDRANT_URL: "https://b.example",
        EARSHOT_QDRANT_API_KEY: "key",
        EARSHOT_QDRANT_REPLICAS: "3",
        EARSHOT_QDRANT_HNSW_EF: "256",
      },
    );
    expect(options.vectors.engine).toBe("qdrant");
    // The more special of two names wins.
    expect(options.vectors.qdrant).toMatchObject({ url: "https://b.example", apiKey: "key", replicas: 3 });
    expect(options.vectors.qdrant.hnsw).toMatchObject({ ef: 256, m: 16 });
    expect(options.mediaRoots).toEqual(["/a", "/b c"]);
    expect(options.modelPackRoots).toEqual(["/packs", "/more packs"]);
    expect(options.evaluation.roots).toEqual(["/data", "/models"]);
    expect(options.inference.executionProviders).toEqual(["cuda", "cpu"]);
    expect(options.allowBundledFfmpeg).toBe(false);
    expect(options.databaseUrl).toBe("postgresql://me:p%40ss@db:5432/earshot?sslmode=verify-full");
    expect(options.database).toEqual({ poolSize: 4, connectTimeoutSeconds: 3, statementTimeoutSeconds: 20 });
    expect(options.limits.maxDurationSeconds).toBe(60.5);
    expect(options.ffmpegPath).toBe("/opt/ffmpeg");
  });

  it("of Earshot's own win over ffmpeg's customary one", () => {
    const env = { FFMPEG_PATH: "/customary", EARSHOT_FFMPEG_PATH: "/own" };
    expect(resolveOptions({}, env).ffmpegPath).toBe("/own");
  });

  it("count as not set when they are empty", () => {
    expect(resolveOptions({}, { EARSHOT_PORT: " ", EARSHOT_HOST: "" }).server.port).toBe(4000);
  });

  it("are all named when several are malformed", () => {
    const env = { EARSHOT_PORT: "many", EARSHOT_ALLOW_BUNDLED_FFMPEG: "perhaps" };
    expect(() => resolveOptions({}, env)).toThrow(
      /^Invalid environment variables: EARSHOT_ALLOW_BUNDLED_FFMPEG .+; EARSHOT_PORT .+\.$/,
    );
  });

  it("are named when their value is out of range", () => {
    expect(() => resolveOptions({}, { EARSHOT_PORT: "70000" })).toThrow(
      /^Invalid environment variables: EARSHOT_PORT: /,
    );
    expect(() => resolveOptions({}, { EARSHOT_LOG_LEVEL: "loud" })).toThrow(/EARSHOT_LOG_LEVEL/);
  });

  it("that others invent for a service called earshot are passed over", () => {
    expect(() => resolveOptions({}, { EARSHOT_SERVICE_HOST: "10.0.0.1" })).not.toThrow();
  });
});
