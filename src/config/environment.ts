import path from "node:path";
import { z } from "zod";
import { InvalidEnvironmentError } from "../errors.js";

/** Environment variables as the process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const text = z.string().trim().min(1);
const number = text.transform(Number).pipe(z.number("must be a number"));
const boolean = z
  .enum(["true", "false", "1", "0", "yes", "no"], 'must be "true" or "false"')
  .transform((value) => ["true", "1", "yes"].includes(value));
const list = (separator: string) =>
  text.transform((value) =>
    value
      .split(separator)
      .map((item) => item.trim())
      .filter((item) => item !== ""),
  );

/** Names of an option, from its group down. */
type Place = readonly [string, ...string[]];

interface Setting {
  type: z.ZodType;
  place: Place;
  /** Another option that is set to the same. */
  and?: Place;
}

/** Every variable that Earshot reads, and the option it sets. `options.ts` says what each option means. */
const settings: Readonly<Record<string, Setting>> = {
  EARSHOT_DATA_DIRECTORY: { type: text, place: ["dataDirectory"] },
  EARSHOT_DATABASE_URL: { type: text, place: ["databaseUrl"] },
  EARSHOT_DATABASE_POOL_SIZE: { type: number, place: ["database", "poolSize"] },
  EARSHOT_DATABASE_CONNECT_TIMEOUT_SECONDS: { type: number, place: ["database", "connectTimeoutSeconds"] },
  EARSHOT_DATABASE_STATEMENT_TIMEOUT_SECONDS: { type: number, place: ["database", "statementTimeoutSeconds"] },
  EARSHOT_MODEL_PACK: { type: text, place: ["modelPack"] },
  /** Several folders are separated as in PATH: by ":", on Windows by ";". */
  EARSHOT_MODEL_PACK_ROOTS: { type: list(path.delimiter), place: ["modelPackRoots"] },
  /** Several folders are separated as in PATH: by ":", on Windows by ";". */
  EARSHOT_MEDIA_ROOTS: { type: list(path.delimiter), place: ["mediaRoots"] },
  FFMPEG_PATH: { type: text, place: ["ffmpegPath"] },
  EARSHOT_FFMPEG_PATH: { type: text, place: ["ffmpegPath"] },
  FFPROBE_PATH: { type: text, place: ["ffprobePath"] },
  EARSHOT_FFPROBE_PATH: { type: text, place: ["ffprobePath"] },
  EARSHOT_ALLOW_BUNDLED_FFMPEG: { type: boolean, place: ["allowBundledFfmpeg"] },
  EARSHOT_AUDIO_TRACK: { type: text, place: ["audioTrack"] },
  EARSHOT_MAX_DURATION_SECONDS: { type: number, place: ["limits", "maxDurationSeconds"] },
  EARSHOT_MAX_FILE_BYTES: { type: number, place: ["limits", "maxFileBytes"] },
  EARSHOT_DECODE_TIMEOUT_SECONDS: { type: number, place: ["limits", "decodeTimeoutSeconds"] },
  /** Comma-separated, e.g. "cuda,cpu". */
  EARSHOT_EXECUTION_PROVIDERS: { type: list(","), place: ["inference", "executionProviders"] },
  EARSHOT_WHEN_PROVIDER_MISSING: { type: text, place: ["inference", "whenProviderMissing"] },
  EARSHOT_THREADS: { type: number, place: ["inference", "threads"] },
  /** A number, or "auto". */
  EARSHOT_BATCH_SIZE: { type: z.union([z.literal("auto"), number]), place: ["inference", "batchSize"] },
  EARSHOT_INFERENCE_MEMORY_BYTES: { type: number, place: ["inference", "memoryBudgetBytes"] },
  EARSHOT_SESSIONS_PER_DEVICE: { type: number, place: ["inference", "sessionsPerDevice"] },
  /** Comma-separated, e.g. "0,1". */
  EARSHOT_CUDA_DEVICE_IDS: { type: list(",").pipe(z.array(number)), place: ["inference", "cudaDeviceIds"] },
  EARSHOT_CUDA_TF32: { type: boolean, place: ["inference", "cudaTf32"] },
  /** Both kinds of work; each has a variable of its own, which wins. */
  EARSHOT_WORK: { type: boolean, place: ["ingest", "work"], and: ["evaluation", "work"] },
  EARSHOT_INGEST_WORK: { type: boolean, place: ["ingest", "work"] },
  EARSHOT_EVALUATION_WORK: { type: boolean, place: ["evaluation", "work"] },
  EARSHOT_INGEST_CONCURRENCY: { type: number, place: ["ingest", "concurrency"] },
  EARSHOT_INGEST_MAX_ATTEMPTS: { type: number, place: ["ingest", "maxAttempts"] },
  EARSHOT_INGEST_MEMORY_BYTES: { type: number, place: ["ingest", "memoryBytes"] },
  EARSHOT_INGEST_MAX_RSS_BYTES: { type: number, place: ["ingest", "maxRssBytes"] },
  EARSHOT_STALL_SECONDS: { type: number, place: ["ingest", "stallSeconds"] },
  EARSHOT_LEASE_SECONDS: { type: number, place: ["ingest", "leaseSeconds"], and: ["evaluation", "leaseSeconds"] },
  EARSHOT_SHUTDOWN_SECONDS: { type: number, place: ["ingest", "shutdownSeconds"] },
  /** Several folders are separated as in PATH: by ":", on Windows by ";". */
  EARSHOT_EVALUATION_ROOTS: { type: list(path.delimiter), place: ["evaluation", "roots"] },
  EARSHOT_EVALUATION_MAX_ATTEMPTS: { type: number, place: ["evaluation", "maxAttempts"] },
  EARSHOT_FEATURE_CACHE_BYTES: { type: number, place: ["featureCache", "maxBytes"] },
  EARSHOT_SILENCE_THRESHOLD: { type: number, place: ["ingest", "silenceThreshold"] },
  EARSHOT_VECTOR_ENGINE: { type: text, place: ["vectors", "engine"] },
  QDRANT_URL: { type: text, place: ["vectors", "qdrant", "url"] },
  EARSHOT_QDRANT_URL: { type: text, place: ["vectors", "qdrant", "url"] },
  QDRANT_API_KEY: { type: text, place: ["vectors", "qdrant", "apiKey"] },
  EARSHOT_QDRANT_API_KEY: { type: text, place: ["vectors", "qdrant", "apiKey"] },
  EARSHOT_QDRANT_CA_FILE: { type: text, place: ["vectors", "qdrant", "caFile"] },
  EARSHOT_QDRANT_COLLECTION_PREFIX: { type: text, place: ["vectors", "qdrant", "collectionPrefix"] },
  EARSHOT_QDRANT_READ_TIMEOUT_SECONDS: { type: number, place: ["vectors", "qdrant", "readTimeoutSeconds"] },
  EARSHOT_QDRANT_WRITE_TIMEOUT_SECONDS: { type: number, place: ["vectors", "qdrant", "writeTimeoutSeconds"] },
  EARSHOT_QDRANT_DATATYPE: { type: text, place: ["vectors", "qdrant", "datatype"] },
  EARSHOT_QDRANT_QUANTIZATION: { type: text, place: ["vectors", "qdrant", "quantization"] },
  EARSHOT_QDRANT_ON_DISK: { type: boolean, place: ["vectors", "qdrant", "onDisk"] },
  EARSHOT_QDRANT_SHARDS: { type: number, place: ["vectors", "qdrant", "shards"] },
  EARSHOT_QDRANT_REPLICAS: { type: number, place: ["vectors", "qdrant", "replicas"] },
  EARSHOT_QDRANT_WRITE_CONSISTENCY: { type: number, place: ["vectors", "qdrant", "writeConsistency"] },
  EARSHOT_QDRANT_HNSW_EF: { type: number, place: ["vectors", "qdrant", "hnsw", "ef"] },
  EARSHOT_INTROSPECTION: { type: boolean, place: ["graphql", "introspection"] },
  EARSHOT_PORT: { type: number, place: ["server", "port"] },
  /** Comma-separated. */
  EARSHOT_ALLOWED_ORIGINS: { type: list(","), place: ["server", "allowedOrigins"] },
  EARSHOT_HEALTH_PORT: { type: number, place: ["server", "healthPort"] },
  EARSHOT_HOST: { type: text, place: ["server", "host"] },
  EARSHOT_SLOW_SEARCH_SECONDS: { type: number, place: ["search", "slowSeconds"] },
  /** The customary variable of OpenTelemetry; Earshot's own wins. */
  OTEL_EXPORTER_OTLP_ENDPOINT: { type: text, place: ["tracing", "otlpEndpoint"] },
  EARSHOT_OTLP_ENDPOINT: { type: text, place: ["tracing", "otlpEndpoint"] },
  OTEL_SERVICE_NAME: { type: text, place: ["tracing", "serviceName"] },
  EARSHOT_TRACE_SAMPLE_RATIO: { type: number, place: ["tracing", "sampleRatio"] },
  EARSHOT_LOG_LEVEL: { type: text, place: ["logLevel"] },
};

/** Names of all variables that are read, for documents and checks of deployments. */
export const environmentVariables: readonly string[] = Object.keys(settings);

/**
 * Reads options from environment variables, still unchecked. An empty variable counts as not set. Unknown names are passed
 * over: Kubernetes invents some (`EARSHOT_SERVICE_HOST`) for a service called earshot.
 *
 * @throws InvalidEnvironmentError naming every variable that cannot be read
 */
export function parseEnvironment(env: Environment): Record<string, unknown> {
  const problems: string[] = [];
  const options: Record<string, unknown> = {};
  for (const [name, { type, place, and }] of Object.entries(settings)) {
    const value = env[name];
    if (value === undefined || value.trim() === "") continue;
    const parsed = type.safeParse(value.trim());
    if (!parsed.success) {
      problems.push(`${name} ${parsed.error.issues[0]?.message ?? "is not valid"}`);
      continue;
    }
    for (const names of and === undefined ? [place] : [place, and]) {
      const field = names.at(-1)!;
      let group = options;
      for (const name of names.slice(0, -1)) group = (group[name] ??= {}) as Record<string, unknown>;
      group[field] = parsed.data;
    }
  }
  if (problems.length > 0) throw new InvalidEnvironmentError(`Invalid environment variables: ${problems.join("; ")}.`);
  return options;
}

/** The variable that sets an option, for messages about its value. */
export function variableOf(place: readonly PropertyKey[], env: Environment): string | undefined {
  return Object.entries(settings).findLast(
    ([name, setting]) =>
      env[name] !== undefined &&
      [setting.place, setting.and].some((own) => own?.every((part, index) => part === place[index])),
  )?.[0];
}
