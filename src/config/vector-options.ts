import { z } from "zod";

const positive = z.number().positive();
const count = z.int().positive();

const qdrantSchema = z.strictObject({
  /** Address of the server, with the port if it is not Qdrant's usual 6333. @default "http://127.0.0.1:6333" */
  url: z
    .url({ protocol: /^https?$/, error: 'must be an address, e.g. "https://qdrant.example.org:6333"' })
    .refine((url) => !URL.canParse(url) || new URL(url).username === "", "must hold no user name; set apiKey instead")
    .default("http://127.0.0.1:6333"),
  /**
   * API key, with the right to read and write. @default none
   *
   * WARNING: over http it travels in clear text.
   */
  apiKey: z.string().min(1).optional(),
  /** PEM file with the certificates of the authority that signed the server's, where the system does not know it. @default none */
  caFile: z.string().min(1).optional(),
  /** Beginning of all collection names; deployments that share a server need different ones. @default "earshot" */
  collectionPrefix: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, "must begin with a letter and hold only letters, digits, _ and -")
    .default("earshot"),
  /** Longest time a search or another read may take, in seconds. @default 10 */
  readTimeoutSeconds: positive.default(10),
  /** Longest time one request that writes may take, in seconds. @default 60 */
  writeTimeoutSeconds: positive.default(60),
  /** Further attempts of a request that may be repeated and failed for a passing reason. @default 2 */
  retries: z.int().min(0).max(10).default(2),
  /** Wait before the first of them, in seconds; it doubles with each further one, with jitter. @default 0.2 */
  retryDelaySeconds: z.number().min(0).default(0.2),
  /** Most connections that one process holds open. @default 16 */
  maxConnections: count.default(16),
  /** Largest request that writes vectors, in bytes. @default 4194304 (4 MiB) */
  upsertBytes: count.max(32 * 1024 ** 2).default(4 * 1024 ** 2),
  /**
   * How writes to several replicas are ordered: "weak" is the fastest, "strong" waits for the leader.
   * @default "medium"
   */
  writeOrdering: z.enum(["weak", "medium", "strong"]).default("medium"),
  // What follows is set when a collection is made; existing ones keep what they have.
  /** Number format of the stored vectors: float16 halves memory and disk and keeps about three digits. @default "float32" */
  datatype: z.enum(["float32", "float16"]).default("float32"),
  /**
   * Whether searches first go through vectors of 8 bits, and score what they found with the stored ones.
   * @default "none"
   */
  quantization: z.enum(["none", "scalar"]).default("none"),
  /** How many times as many segments are found by the 8-bit vectors as are asked for. Holds for existing collections, too. @default 2 */
  oversampling: z.number().min(1).max(100).default(2),
  /** Whether the stored vectors are read from disk; the 8-bit ones stay in memory. @default false */
  onDisk: z.boolean().default(false),
  /** Shards of a collection. @default as the server is set up, usually 1 */
  shards: count.optional(),
  /** Copies of each shard. @default as the server is set up, usually 1 */
  replicas: count.optional(),
  /** Copies that must have taken a write before it counts. @default more than half of the replicas */
  writeConsistency: count.optional(),
  /** The graph that searches go through. */
  hnsw: z
    .strictObject({
      /** Edges of each segment in the graph over all tenants; 0 makes none, for libraries of many tenants. @default 16 */
      m: z.int().min(0).max(512).default(16),
      /** Edges of each segment in the graph of its tenant. @default 16 */
      payloadM: z.int().min(0).max(512).default(16),
      /** Neighbours that are looked at while the graph is built. @default 128 */
      efConstruct: z.int().min(4).max(4096).default(128),
      /** Neighbours that a search looks at: more is slower and finds more. Holds for existing collections, too. @default 128 */
      ef: z.int().min(1).max(16_384).default(128),
      /** Whether the graph is read from disk. @default false */
      onDisk: z.boolean().default(false),
    })
    .prefault({}),
});

/** Where vectors are kept and searched. */
export const vectorsSchema = z.strictObject({
  /**
   * Where vectors are kept and searched: in the database and the memory of this process ("local"), or in a Qdrant server.
   * Segments that were indexed with the other engine have to be ingested again.
   * @default "local"
   */
  engine: z.enum(["local", "qdrant"]).default("local"),
  /** The Qdrant server, version 1.12 or later. */
  qdrant: qdrantSchema.prefault({}),
});

/** How to reach a Qdrant server and what collections are made like. */
export type QdrantOptions = z.output<typeof qdrantSchema>;
