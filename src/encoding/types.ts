/** What the encoder takes and gives: streams of a video, embeddings of its segments, and of queries. */
import type { FrameFormat, InferencePool, PackManifest } from "../models/index.js";
import type { CacheableMedia, FeatureCache } from "./feature-cache.js";
import type { FeatureFile } from "./feature-file.js";

/** What the clip encoder makes of a segment, or of a whole clip. */
export interface EncodedClip {
  /** Availability: bit e is set when expert e (in manifest order) heard or saw something here. */
  pattern: number;
  /** The flat vector: concat over experts e of a_e V_e; its width is `flatDimension(manifest)`. */
  vector: Float32Array;
}

/** One segment of a video as the index stores it. */
export interface EncodedSegment extends EncodedClip {
  /** Number of the segment in its video, from 0; those in which no expert hears or sees anything leave gaps. */
  index: number;
  /** Seconds from the start of the video. */
  startSeconds: number;
  /** Seconds; never beyond the end of the longest stream. */
  endSeconds: number;
}

/** A query after the text encoder. */
export interface EncodedQuery {
  /** Tokens of the query, in order, before the vocabulary is consulted. */
  tokens: string[];
  /**
   * Vocabulary words the embedding is made of, in order. Empty when no word of the text is known: words that the
   * tokeniser found for signs alone do not make a query.
   */
  knownWords: string[];
  /** Tokens with a letter or digit for which the vocabulary has no word, each once, in order of appearance. */
  unknownWords: string[];
  /** Known words beyond the pack's word limit, which were cut. */
  cutWords: string[];
  /** T_e: one embedding per expert, in manifest order; empty when no word is known. */
  embeddings: Float32Array[];
  /** w_e: one weight per expert, adding up to 1; empty when no word is known. */
  weights: Float32Array;
}

/** How far the encoding of one video has come. */
export interface EncodingProgress {
  /** Seconds of the video read from the decoders so far; the last report tells the length of the longest stream. */
  decodedSeconds: number;
  /** Seconds of the video whose segments are done. */
  encodedSeconds: number;
}

/** What an encoding works with. */
export interface EncodingParts {
  manifest: PackManifest;
  inference: InferencePool;
  /** Most windows in one run of every expert; undefined: as many as the pool says. */
  batchSize: number | undefined;
  /** Sound quieter than this throughout a segment counts as none. */
  silenceThreshold: number;
  /** Names of the experts that run; the others count as missing everywhere. */
  experts: ReadonlySet<string>;
  /** Where an expert's `maxTokens` end: in every segment anew, or once in the whole stream. */
  tokenLimit: TokenLimit;
  /** Keeps features of media that {@link VideoStreams.media} names; undefined: none are kept. */
  cache: FeatureCache | undefined;
}

/** An encoding under way. */
export interface RunningParts extends EncodingParts {
  /** Most windows in one run of each expert, by its name. */
  batchSizes: ReadonlyMap<string, number>;
  /** Stored features of the media, by the experts' names; without those that have no place for them. */
  stored: ReadonlyMap<string, FeatureFile>;
}

/** What an expert's `maxTokens` are counted in. */
export type TokenLimit = "segment" | "stream";

/** The pictures of a video. */
export interface Pictures {
  /** Seconds from the start of the file to the first picture. */
  startSeconds: number;
  /**
   * Opens a pass over the pictures; called once for each format that the pack's visual experts take.
   *
   * @returns frames in order of time: RGB bytes, [frameHeight, frameWidth, 3] row-major
   */
  open(format: FrameFormat): AsyncIterable<Uint8Array>;
}

/** What of a video is at hand. */
export interface VideoStreams {
  /** Mono PCM at the pack's sample rate, in chunks of any length, from the start of the file; samples in -1..1. */
  sound?: AsyncIterable<Float32Array>;
  pictures?: Pictures;
  /** What is read, when its features may be kept. @default they are not */
  media?: CacheableMedia;
}

/** Turns videos and text into embeddings with one model pack. Safe for several callers at once. */
export interface Encoder {
  /**
   * Encodes the sound and the pictures of a video, piece by piece, in memory that does not grow with its length. Both
   * are read side by side, each no further than the segments that are worked on need. Streams may be of different
   * length; experts whose stream is absent, has ended or has not begun are missing from a segment, and so are the audio
   * experts where there is silence.
   *
   * Yields groups of segments in order of `index`; segments in which every expert is missing are left out. The vectors
   * depend on samples and frames only, not on chunk sizes, batch size or the number of workers (to 1e-5).
   *
   * @param onProgress called after every group of segments
   * @param signal ends the work: the iterator throws the signal's reason and the decoders are closed
   */
  encodeVideo(
    streams: VideoStreams,
    onProgress?: (progress: EncodingProgress) => void,
    signal?: AbortSignal,
  ): AsyncIterable<EncodedSegment[]>;
  /** {@link Encoder.encodeVideo} for sound alone. */
  encodeAudio(
    pcm: AsyncIterable<Float32Array>,
    onProgress?: (progress: EncodingProgress) => void,
    signal?: AbortSignal,
  ): AsyncIterable<EncodedSegment[]>;
  /**
   * Encodes a whole clip as one: each expert's windows from the start of its stream, as many as its `maxTokens` take; all of
   * them for an averaged expert (reference fact 1.2). What comes behind is not read. Memory does not grow with the length.
   * A clip whose sound is silent throughout lacks the audio experts.
   *
   * @returns null when every expert is missing
   * @throws what the streams throw, the errors of inference, and the signal's reason when aborted
   */
  encodeClip(streams: VideoStreams, signal?: AbortSignal): Promise<EncodedClip | null>;
  /**
   * Encodes clips whose features are known. An expert that a clip does not name, or names with null, is missing; one that
   * the encoder does not run is passed over. A clip in which every expert is missing has pattern 0 and zeros.
   *
   * @returns in the order of the clips
   * @throws FeaturesDoNotFitError the number of features is not one that the pack takes
   */
  encodeFeatures(clips: readonly ClipFeatures[], signal?: AbortSignal): Promise<EncodedClip[]>;
  /** Encodes a query. The same text twice is answered from memory. */
  encodeText(text: string, options?: EncodeTextOptions): Promise<EncodedQuery>;
  /**
   * Encodes a query whose word vectors are known, [words, wordDim]; no vocabulary is asked. Vectors behind the pack's word
   * limit are cut. Without a vector there are neither embeddings nor weights, as for a text in which no word is known.
   *
   * @returns without tokens and words, for there are none
   * @throws FeaturesDoNotFitError the vectors are of another width
   */
  encodeWords(vectors: Float32Array): Promise<EncodedQuery>;
}

/**
 * Features of a clip by the experts' names: tokens [tokens, featureDim] in order of time, any number of them, or one vector
 * [featureDim] for an averaged expert.
 */
export type ClipFeatures = Readonly<Record<string, Float32Array | null>>;

/** How a text is encoded. */
export interface EncodeTextOptions {
  /**
   * What a text becomes in which no word is known. `nothing` is for a person's search: neither embeddings nor weights,
   * so that the search can say why it finds nothing. `empty-vector` is for evaluation: the one vector that the pack has
   * for such captions (`emptyVector` of its vocabulary, reference fact 5.4), as when the model was trained; `nothing`
   * where the pack has none. @default "nothing"
   */
  withoutKnownWords?: "nothing" | "empty-vector";
}
