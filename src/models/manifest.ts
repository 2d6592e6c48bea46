import { z } from "zod";

/**
 * The manifest of a model pack (`manifest.json`), format version 1.
 *
 * It tells the runtime everything it needs, so that no model is known to the TypeScript by name.
 * Lengths of sound, and of segments, are in samples at `sampleRate`; lengths of pictures are in frames.
 */

/** The only manifest format this version reads. */
export const SUPPORTED_FORMAT_VERSION = 1;

/** Names the runtime gives to the two encoders; no expert may use them. */
export const CLIP_ENCODER = "clip-encoder";
export const TEXT_ENCODER = "text-encoder";

/** Availability patterns are bit masks in a signed 32-bit integer, which leaves room for 30 experts. */
const MAX_EXPERTS = 30;

const positiveInteger = z.number().int().positive();

/** Pixels of one side of a frame; the bound keeps a batch of windows in memory. */
const frameSide = positiveInteger.max(4096);

/** A path below the pack's own directory, with forward slashes: no `..`, no absolute path, no drive letter. */
const packFileName = z
  .string()
  .min(1)
  .refine(
    (name) =>
      !name.startsWith("/") &&
      !/[\\:\0]/.test(name) &&
      name.split("/").every((part) => part !== "" && part !== "." && part !== ".."),
    { error: "must be a relative path that stays inside the model pack" },
  );

/** What every expert's entry holds, whatever it takes in. */
const expertFields = {
  /** Unique in the pack; also the model name given to the inference pool. */
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]*$/, "may hold only a-z, 0-9, - and _"),
  /** ONNX file; its output is `features` float32 [batch, tokensPerWindow, featureDim]. */
  file: packFileName,
  /** Feature vectors the network gives for one window. */
  tokensPerWindow: positiveInteger,
  featureDim: positiveInteger,
  /** `sequence`: all tokens go to the clip encoder; `average`: one vector, their mean over the segment. */
  aggregation: z.enum(["sequence", "average"]),
  /** Rows of the clip encoder's input for this expert: later tokens of a segment are cut, missing ones are zeros. */
  maxTokens: positiveInteger,
  /** Width of the embedding the clip and text encoders give for this expert. */
  embeddingDim: positiveInteger,
};

/** A network that turns windows of PCM into a short sequence of feature vectors ("tokens"). */
export const audioExpertSchema = z
  .object({
    ...expertFields,
    /** Its ONNX file has the input `waveform` float32 [batch, windowSamples]. */
    modality: z.literal("audio"),
    /** Samples one window covers. */
    windowSamples: positiveInteger,
    /** Samples from one window's start to the next. */
    hopSamples: positiveInteger,
    /** Windows of one segment, from the one that starts where the segment does; all of them start inside it. */
    windowsPerSegment: positiveInteger,
  })
  .superRefine(checkExpert);

/** A network that turns windows of RGB frames into feature vectors. */
export const visualExpertSchema = z
  .object({
    ...expertFields,
    /** Its ONNX file has the input `frames` uint8 [batch, framesPerWindow, frameHeight, frameWidth, 3], RGB. */
    modality: z.literal("visual"),
    /** Frames of the stream a second, to which ffmpeg brings every video. */
    framesPerSecond: z.number().positive().max(1000),
    /** Pixels. Frames are scaled so that they cover this size, and cut to it around their centre. */
    frameWidth: frameSide,
    frameHeight: frameSide,
    /** Frames one window covers. */
    framesPerWindow: positiveInteger,
    /** Frames from one window's start to the next. */
    hopFrames: positiveInteger,
  })
  .superRefine(checkExpert);

function checkExpert(expert: { name: string; aggregation: string; maxTokens: number }, context: z.RefinementCtx): void {
  const problem = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
  if (expert.name === CLIP_ENCODER || expert.name === TEXT_ENCODER) problem("name", "is reserved for the encoder");
  if (expert.aggregation === "average" && expert.maxTokens !== 1)
    problem("maxTokens", 'must be 1 with aggregation "average"');
}

const expertSchema = z.discriminatedUnion("modality", [audioExpertSchema, visualExpertSchema], {
  error: 'must be "audio" or "visual"',
});

/** An audio expert as its manifest describes it. */
export type AudioExpertManifest = z.infer<typeof audioExpertSchema>;

/** A visual expert as its manifest describes it. */
export type VisualExpertManifest = z.infer<typeof visualExpertSchema>;

/** An expert as its manifest describes it. */
export type ExpertManifest = z.infer<typeof expertSchema>;

/** How ffmpeg has to deliver frames; experts of one format share one pass over the video. */
export type FrameFormat = Pick<VisualExpertManifest, "framesPerSecond" | "frameWidth" | "frameHeight">;

const segmentSchema = z.object({
  /** Samples one segment covers. */
  lengthSamples: positiveInteger,
  /** Samples from one segment's start to the next. */
  hopSamples: positiveInteger,
});

/** Largest file that Node reads at once, in bytes. */
const LARGEST_READ = 2 ** 31 - 1;

/** Bytes of one number of a vocabulary's vectors. */
const BYTES = { float16: 2, float32: 4 };

const vocabularySchema = z.object({
  /** Text file, UTF-8, one word a line; line i names row i of `vectors`. */
  words: packFileName,
  /** Little-endian IEEE numbers of type `dtype`, one row of wordDim a word, without a header. */
  vectors: packFileName,
  dtype: z.enum(["float16", "float32"], { error: 'must be "float16" or "float32"' }),
  /** Number of words. */
  size: positiveInteger,
  /** Whether a row follows those of the words: the vector of a caption in which no word is known. */
  emptyVector: z.boolean().default(false),
  /** Text file, UTF-8, a line "form<TAB>lemma" for each irregular form. Only for "word2vec-english-v1". */
  lemmas: packFileName.optional(),
  /** Text file, UTF-8, a line "word count" for each word of a spelling list. Only for "word2vec-english-v1". */
  spelling: packFileName.optional(),
});

const textEncoderSchema = z.object({
  /** ONNX file: input `words` [batch, wordLimit, wordDim]; outputs `embedding_<expert>` and `weights` [batch, E]. */
  file: packFileName,
  /** Words of a query that are used; later ones are cut. */
  wordLimit: positiveInteger,
  wordDim: positiveInteger,
  /** How text is cut into tokens, and how words are found for them. */
  tokeniser: z.enum(["simple-english-v1", "word2vec-english-v1"], {
    error: 'must be "simple-english-v1" or "word2vec-english-v1"',
  }),
  vocabulary: vocabularySchema,
});

/** relevance = 1 / (1 + exp(-(slope * score + intercept))): the probability that a hit is right. */
const calibrationSchema = z.object({
  kind: z.literal("logistic", { error: 'must be "logistic"' }),
  slope: z.number(),
  intercept: z.number(),
});

const fileSchema = z.object({
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hexadecimal digits"),
  bytes: z.number().int().nonnegative(),
});

/** Schema of `manifest.json`: shapes, and the rules between fields that the runtime relies on. */
export const packManifestSchema = z
  .object({
    formatVersion: z.literal(SUPPORTED_FORMAT_VERSION),
    name: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, "may hold only a-z, 0-9, ., - and _"),
    version: z.string().regex(/^[0-9A-Za-z][0-9A-Za-z.+-]*$/, 'must look like "1.0.0"'),
    licence: z.string().min(1),
    description: z.string().default(""),
    kind: z.enum(["collaborative-experts", "mixture-of-embedded-experts", "single-expert"]),
    /** Samples per second of the PCM the audio experts take, always mono; also the unit of the segments. */
    sampleRate: positiveInteger,
    segment: segmentSchema,
    /** Their order is the order of availability bits and columns, weights, and of the parts of a flat vector. */
    experts: z.array(expertSchema).min(1).max(MAX_EXPERTS),
    /**
     * ONNX file: inputs `features_<expert>` [batch, maxTokens, featureDim] and `availability` [batch, E];
     * outputs `embedding_<expert>` [batch, embeddingDim], L2-normalised.
     */
    clipEncoder: z.object({ file: packFileName }),
    textEncoder: textEncoderSchema,
    calibration: calibrationSchema,
    /** Size and SHA-256 of every file the runtime loads, external data of the ONNX files included, by its name. */
    files: z.record(packFileName, fileSchema),
    /** Free form: data, figures, seeds, revision. */
    provenance: z.record(z.string(), z.unknown()).default({}),
  })
  .superRefine((manifest, context) => {
    const problem = (path: PropertyKey[], message: string) => context.addIssue({ code: "custom", path, message });
    const names = new Set<string>();
    manifest.experts.forEach((expert, index) => {
      const at = (field: string) => ["experts", index, field];
      if (names.has(expert.name)) problem(at("name"), `"${expert.name}" is used by another expert too`);
      names.add(expert.name);
      if (expert.modality === "visual") return;
      if (manifest.segment.hopSamples % expert.hopSamples !== 0)
        problem(at("hopSamples"), `must divide segment.hopSamples (${manifest.segment.hopSamples})`);
      const lastStart = (expert.windowsPerSegment - 1) * expert.hopSamples;
      if (lastStart >= manifest.segment.lengthSamples)
        problem(
          at("windowsPerSegment"),
          `puts the start of the last window at sample ${lastStart}, outside a segment of ${manifest.segment.lengthSamples}`,
        );
    });
    if (manifest.segment.hopSamples > manifest.segment.lengthSamples)
      problem(["segment", "hopSamples"], "must not exceed lengthSamples, or what lies between segments is never heard");
    for (const [path, name] of referencedFiles(manifest)) {
      if (!Object.hasOwn(manifest.files, name)) problem(path, `"${name}" is not listed in "files"`);
    }
    const { tokeniser, vocabulary, wordDim } = manifest.textEncoder;
    const vectors = manifest.files[vocabulary.vectors];
    const [rows, bytes] = [vocabulary.size + (vocabulary.emptyVector ? 1 : 0), BYTES[vocabulary.dtype]];
    const expected = rows * wordDim * bytes;
    if (vectors !== undefined && vectors.bytes !== expected)
      problem(
        ["files", vocabulary.vectors, "bytes"],
        `must be ${vocabulary.emptyVector ? "(size + 1)" : "size"} * wordDim * ${bytes} = ${expected} for a ` +
          `${vocabulary.dtype} vocabulary${vocabulary.emptyVector ? " with an emptyVector" : ""}, not ${vectors.bytes}`,
      );
    if (expected > LARGEST_READ)
      problem(
        ["textEncoder", "vocabulary", "size"],
        `makes vectors of ${expected} bytes, more than the ${LARGEST_READ} that can be read: take fewer words or "float16"`,
      );
    if (tokeniser === "simple-english-v1") {
      for (const field of ["lemmas", "spelling"] as const) {
        if (vocabulary[field] !== undefined)
          problem(["textEncoder", "vocabulary", field], `is not read by the tokeniser "${tokeniser}"`);
      }
    }
  });

/** A checked manifest. */
export type PackManifest = z.infer<typeof packManifestSchema>;

/** Width of a segment's flat vector: the experts' embedding widths added up. */
export function flatDimension(manifest: Pick<PackManifest, "experts">): number {
  return manifest.experts.reduce((sum, expert) => sum + expert.embeddingDim, 0);
}

/** Name of the file beside a graph that holds its weights when they do not fit into the graph's own (2 GB). */
export function externalDataFile(graph: string): string {
  return `${graph}.data`;
}

type FileReferences = Pick<PackManifest, "experts" | "clipEncoder" | "textEncoder">;

/** Every ONNX file of a pack. */
export function graphFiles({ experts, clipEncoder, textEncoder }: FileReferences): string[] {
  return [...new Set([...experts.map(({ file }) => file), clipEncoder.file, textEncoder.file])];
}

/** Every file the runtime loads, with the manifest field that names it. */
function* referencedFiles(manifest: FileReferences): Generator<[path: PropertyKey[], name: string]> {
  for (const [index, expert] of manifest.experts.entries()) yield [["experts", index, "file"], expert.file];
  yield [["clipEncoder", "file"], manifest.clipEncoder.file];
  yield [["textEncoder", "file"], manifest.textEncoder.file];
  for (const field of ["words", "vectors", "lemmas", "spelling"] as const) {
    const name = manifest.textEncoder.vocabulary[field];
    if (name !== undefined) yield [["textEncoder", "vocabulary", field], name];
  }
}
