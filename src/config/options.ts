import path from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { InvalidEnvironmentError, InvalidOptionsError } from "../errors.js";
import { parseEnvironment, variableOf, type Environment } from "./environment.js";
import { inferenceSchema } from "./inference-options.js";
import { vectorsSchema } from "./vector-options.js";

/** The model pack that ships with the package. */
const starterPack = fileURLToPath(new URL("../../models/starter", import.meta.url));

const positive = z.number().positive();
const count = z.int().positive();

const limitsSchema = z.strictObject({
  /** Longest audio that is accepted, in seconds. @default 43200 (12 hours) */
  maxDurationSeconds: positive.default(43_200),
  /** Largest media file that is accepted, in bytes. @default 68719476736 (64 GiB) */
  maxFileBytes: count.default(64 * 1024 ** 3),
  /** Longest time ffprobe may take for one file, in seconds. @default 30 */
  probeTimeoutSeconds: positive.default(30),
  /** Longest time ffmpeg may take to decode one file, waiting for the models included, in seconds. @default 21600 (6 hours) */
  decodeTimeoutSeconds: positive.default(21_600),
  /** Longest time ffmpeg may go without giving any sound while Earshot waits for it, in seconds. @default 60 */
  stallTimeoutSeconds: positive.default(60),
});

const ingestSchema = z.strictObject({
  /** Whether this process works on ingest jobs, or leaves them to others, e.g. to `earshot worker`. @default true */
  work: z.boolean().default(true),
  /** Jobs that one process works on at the same time. @default 1 */
  concurrency: count.default(1),
  /**
   * Memory that the jobs of one process may take together beside the models, in bytes. What a job takes is reckoned from the
   * pack, the batch size and the length of its media; one job is always taken.
   * @default 70 % of what is free, in the container or on the machine, when work begins
   */
  memoryBytes: count.optional(),
  /**
   * A process that takes more memory than this, in bytes, takes no job beside the one it has. @default 90 % of the limit of its
   * container, when it has one
   */
  maxRssBytes: count.optional(),
  /** Seconds without any progress after which a job is ended and tried again. @default 600 */
  stallSeconds: positive.default(600),
  /** Seconds that `earshot worker` lets running jobs go on when it is asked to end; the others are given back. @default 20 */
  shutdownSeconds: z.number().min(0).default(20),
  /** Attempts before a job that keeps failing is given up. @default 3 */
  maxAttempts: count.default(3),
  /**
   * A segment all of whose samples are below this level (full scale = 1) counts as silent and is not indexed.
   * @default 0.0001 (-80 dBFS)
   */
  silenceThreshold: z.number().min(0).max(1).default(1e-4),
  /** Wait before the second attempt, in seconds; it doubles with each further one, with jitter. @default 5 */
  retryDelaySeconds: z.number().min(0).default(5),
  /** Longest wait between two attempts, in seconds. @default 300 */
  maxRetryDelaySeconds: z.number().min(0).default(300),
  /**
   * A job whose process has not been heard of for so many seconds is taken up by another. The same for all processes on one
   * database. @default 60
   */
  leaseSeconds: positive.default(60),
  /** How often the queue looks for jobs which other processes submitted, in seconds. @default 2 */
  pollSeconds: positive.default(2),
});

const featureCacheSchema = z.strictObject({
  /** Most bytes in the folder `features` of the data directory; those go first that were not used for the longest time. */
  maxBytes: count,
});

const evaluationSchema = z.strictObject({
  /** Whether this process works on evaluations, or leaves them to others. @default true */
  work: z.boolean().default(true),
  /**
   * Folders whose data sets, captions and model packs may be evaluated. A path is checked after symbolic links are resolved.
   * @default [] (no path is accepted)
   */
  roots: z.array(z.string().min(1)).readonly().default([]),
  /** Attempts before an evaluation that keeps failing is given up. @default 3 */
  maxAttempts: count.default(3),
  /** Wait before the second attempt, in seconds; it doubles with each further one, with jitter. @default 5 */
  retryDelaySeconds: z.number().min(0).default(5),
  /** Longest wait between two attempts, in seconds. @default 300 */
  maxRetryDelaySeconds: z.number().min(0).default(300),
  /** An evaluation whose process has not been heard of for so many seconds is taken up by another. @default 60 */
  leaseSeconds: positive.default(60),
  /** How often the queue looks for evaluations which other processes submitted, in seconds. @default 2 */
  pollSeconds: positive.default(2),
});

const databaseSchema = z.strictObject({
  /** Most connections of one process; one is kept for reading. @default 10 */
  poolSize: z.int().min(2).default(10),
  /** Longest time that making a connection, or waiting for a free one, may take, in seconds. @default 10 */
  connectTimeoutSeconds: positive.default(10),
  /** Longest time one statement may take, but for migrations, in seconds. @default 60 */
  statementTimeoutSeconds: positive.default(60),
});

const searchSchema = z.strictObject({
  /** Longest query that is accepted, in characters. @default 1000 */
  maxQueryLength: count.default(1000),
  /** Encoded queries kept in memory. @default 1000 */
  queryCacheSize: count.default(1000),
  /** A search that takes longer is logged as a warning, in seconds. @default 2 */
  slowSeconds: positive.default(2),
});

const tracingSchema = z.strictObject({
  /**
   * Address of an OpenTelemetry collector, e.g. "http://collector:4318"; traces go to its `/v1/traces` as OTLP over HTTP. Heeded
   * by the programs of the command line alone: a plugin uses the tracer provider of its host. @default none: no traces
   */
  otlpEndpoint: z.url({ protocol: /^https?$/, error: "must be an http or https address" }).optional(),
  /** Name of this service in the traces. @default "earshot" */
  serviceName: z.string().min(1).default("earshot"),
  /** Share of the traces that are kept, 0..1, unless the caller has decided it already. @default 1 */
  sampleRatio: z.number().min(0).max(1).default(1),
});

const serverSchema = z.strictObject({
  /** TCP port; 0 lets the system choose a free one. @default 4000 */
  port: z.int().min(0).max(65_535).default(4000),
  /**
   * Address to listen on. @default "127.0.0.1"
   *
   * WARNING: the standalone server has no log-in. Put it behind something that has before you listen on other addresses.
   */
  host: z.string().min(1).default("127.0.0.1"),
  /** TCP port at which `earshot worker` answers `/health`, `/ready` and `/metrics`; 0 takes a free one. @default none */
  healthPort: z.int().min(0).max(65_535).optional(),
  /** Largest GraphQL request, or message of a WebSocket, that is accepted, in bytes. @default 262144 (256 KiB) */
  maxBodyBytes: count.default(256 * 1024),
  /**
   * Origins of web pages elsewhere which may open a WebSocket for subscriptions, e.g. "https://cms.example.org". Pages of
   * the server's own address and programs which are no browsers need none. @default []
   */
  allowedOrigins: z
    .array(z.string().refine(isOrigin, 'must be an origin, e.g. "https://cms.example.org"'))
    .readonly()
    .default([]),
});

/** Whether a text is an origin as browsers send it: scheme, host, and port where it is not the usual one. */
function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

const graphqlSchema = z.strictObject({
  /** Whether clients of the standalone server may ask for the schema itself. @default true */
  introspection: z.boolean().default(true),
  /** Deepest nesting of fields in one operation. @default 12 */
  maxDepth: count.default(12),
  /**
   * Highest cost of one operation: 1 for each field, times the page size for what lies below a connection,
   * and 50 for a search. @default 5000
   */
  maxComplexity: count.default(5_000),
});

/** The schema of {@link EarshotOptions}; unknown fields are refused. */
export const optionsSchema = z.strictObject({
  /** Folder for the database and temporary files; made when it is missing. @default ".earshot" in the working directory */
  dataDirectory: z.string().min(1).default(".earshot"),
  /**
   * Database address: `file:<path>` for SQLite, or `postgresql://user:password@host:port/database` with what PostgreSQL's
   * own programs know, e.g. `?sslmode=verify-full`. @default earshot.db in the data directory
   */
  databaseUrl: z
    .string()
    .regex(/^(file:|postgres(ql)?:\/\/)/, 'must start with "file:" or "postgresql://"')
    .optional(),
  /** Connections to a PostgreSQL database. */
  database: databaseSchema.prefault({}),
  /** Folder of the model pack. @default the starter pack that ships with Earshot */
  modelPack: z.string().min(1).default(starterPack),
  /**
   * Folders that hold further model packs, each in a folder of its own: the packs of other indexes than that of
   * `modelPack`, for a re-index or because an index made with one of them is in use. @default []
   */
  modelPackRoots: z.array(z.string().min(1)).readonly().default([]),
  /**
   * Folders whose files may be ingested by path. A path is checked after symbolic links are resolved.
   * @default [] (no path is accepted)
   */
  mediaRoots: z.array(z.string().min(1)).readonly().default([]),
  /** The ffmpeg program. @default a system ffmpeg of version 5 or later, else the bundled one */
  ffmpegPath: z.string().min(1).optional(),
  /** The ffprobe program. @default the one beside ffmpegPath, else as for ffmpegPath */
  ffprobePath: z.string().min(1).optional(),
  /**
   * Whether the bundled ffmpeg may be used when no other is found. It dates from 2018.
   * @default true
   *
   * WARNING: decoders of that age have known security holes. Set this to false where media come from strangers.
   */
  allowBundledFfmpeg: z.boolean().default(true),
  /** Which of several audio tracks is heard: the one flagged as default (else the first), or always the first. @default "default" */
  audioTrack: z.enum(["default", "first"]).default("default"),
  /** What one media file may cost. */
  limits: limitsSchema.prefault({}),
  /** How the models run. */
  inference: inferenceSchema.prefault({}),
  /** The job queue. */
  ingest: ingestSchema.prefault({}),
  /** Keeps what experts made of media files, for a re-index to a pack that has the same experts. @default nothing is kept */
  featureCache: featureCacheSchema.optional(),
  /** Evaluations. */
  evaluation: evaluationSchema.prefault({}),
  /** Searching. */
  search: searchSchema.prefault({}),
  /** The vector engine. */
  vectors: vectorsSchema.prefault({}),
  /** Limits of GraphQL operations. */
  graphql: graphqlSchema.prefault({}),
  /** The standalone server. */
  server: serverSchema.prefault({}),
  /** Traces of searches, ingest jobs and evaluations. */
  tracing: tracingSchema.prefault({}),
  /** Least severe log level that is written. @default "info" */
  logLevel: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
});

/** What a host may set; everything has a default. */
export type EarshotOptions = z.input<typeof optionsSchema>;

type ParsedOptions = z.output<typeof optionsSchema>;

/** Options after defaults, environment and checks: paths are absolute and nothing is missing. */
export interface ResolvedOptions extends Omit<ParsedOptions, "databaseUrl" | "inference"> {
  /** How the models run, and the file that keeps what trial runs found. */
  inference: ParsedOptions["inference"] & { batchSizeFile: string };
  /** Address of the database: `file:<absolute path>`, or that of a PostgreSQL database. Holds a password: never to be shown. */
  databaseUrl: string;
  /** Folder for temporary files, inside the data directory. */
  temporaryDirectory: string;
}

/**
 * Completes and checks options: those given win over the environment, the environment over the defaults.
 *
 * @param given options set in code or on the command line
 * @param env environment variables, see environment.ts
 * @throws InvalidEnvironmentError, InvalidOptionsError naming every field at fault
 */
export function resolveOptions(given: EarshotOptions = {}, env: Environment = {}): ResolvedOptions {
  const fromEnvironment = parseEnvironment(env);
  const environmentCheck = optionsSchema.safeParse(fromEnvironment);
  if (!environmentCheck.success) {
    const problems = environmentCheck.error.issues.map(
      ({ path, message }) => `${variableOf(path, env) ?? path.join(".")}: ${message}`,
    );
    throw new InvalidEnvironmentError(`Invalid environment variables: ${problems.join("; ")}.`);
  }
  const parsed = optionsSchema.safeParse(mergeOptions(fromEnvironment, given));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) =>
      path.length > 0 ? `${path.join(".")}: ${message}` : message,
    );
    throw new InvalidOptionsError(`Invalid options: ${problems.join("; ")}.`);
  }
  const options = parsed.data;
  const dataDirectory = path.resolve(options.dataDirectory);
  return {
    ...options,
    dataDirectory,
    temporaryDirectory: path.join(dataDirectory, "tmp"),
    databaseUrl: absoluteUrl(options.databaseUrl ?? `file:${path.join(dataDirectory, "earshot.db")}`),
    inference: { ...options.inference, batchSizeFile: path.join(dataDirectory, "batch-sizes.json") },
    modelPack: path.resolve(options.modelPack),
    modelPackRoots: options.modelPackRoots.map((root) => path.resolve(root)),
    mediaRoots: options.mediaRoots.map((root) => path.resolve(root)),
    evaluation: { ...options.evaluation, roots: options.evaluation.roots.map((root) => path.resolve(root)) },
  };
}

/** A relative `file:` address would depend on the working directory at the time of each use. */
function absoluteUrl(url: string): string {
  if (!url.startsWith("file:")) return url;
  const location = url.slice("file:".length).replace(/^\/\/(?=\/)/, "");
  return `file:${path.resolve(location)}`;
}

/** Groups are merged field by field; an undefined field counts as not given. */
function mergeOptions(base: object, over: object): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over) as [string, unknown][]) {
    if (value === undefined) continue;
    const below = merged[name];
    merged[name] = isGroup(value) && isGroup(below) ? mergeOptions(below, value) : value;
  }
  return merged;
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
