/** What the encoder gives: embeddings of segments (heard) and of queries (written). */

/** One segment of a video's audio as the index stores it. */
export interface EncodedSegment {
  /** Number of the segment in its video, from 0; silent segments leave gaps. */
  index: number;
  /** Seconds from the start of the video. */
  startSeconds: number;
  /** Seconds; never beyond the end of the audio. */
  endSeconds: number;
  /** Availability: bit e is set when expert e (in manifest order) heard something here. */
  pattern: number;
  /** The flat vector: concat over experts e of a_e V_e; its width is `flatDimension(manifest)`. */
  vector: Float32Array;
}

/** A query after the text encoder. */
export interface EncodedQuery {
  /** Tokens of the query, in order, before the vocabulary is consulted. */
  tokens: string[];
  /** Vocabulary words the embedding is made of, in order; empty when no token is known. */
  knownWords: string[];
  /** Tokens the vocabulary does not hold, each once, in order of appearance. */
  unknownWords: string[];
  /** Known words beyond the pack's word limit, which were cut. */
  cutWords: string[];
  /** T_e: one embedding per expert, in manifest order; empty when no word is known. */
  embeddings: Float32Array[];
  /** w_e: one weight per expert, adding up to 1; empty when no word is known. */
  weights: Float32Array;
}

/** How far the encoding of one audio stream has come. */
export interface EncodingProgress {
  /** Seconds of audio read from the decoder so far. */
  decodedSeconds: number;
  /** Seconds of audio whose segments are done. */
  encodedSeconds: number;
}

/** Turns audio and text into embeddings with one model pack. Safe for several callers at once. */
export interface Encoder {
  /**
   * Encodes mono PCM at the pack's sample rate, chunk by chunk, in memory that does not grow with its length.
   *
   * Yields groups of segments in order of `index`; silent segments are left out. The vectors depend on the
   * samples only, not on chunk sizes, batch size or the number of workers (to 1e-5).
   *
   * @param pcm chunks of any length; samples in -1..1
   * @param onProgress called after every group of segments
   * @param signal ends the work: the iterator throws the signal's reason and the decoder is closed
   */
  encodeAudio(
    pcm: AsyncIterable<Float32Array>,
    onProgress?: (progress: EncodingProgress) => void,
    signal?: AbortSignal,
  ): AsyncIterable<EncodedSegment[]>;
  /** Encodes a query. The same text twice is answered from memory. */
  encodeText(text: string): Promise<EncodedQuery>;
}
