import { LRUCache } from "lru-cache";
import { TEXT_ENCODER, type InferencePool, type ModelPack } from "../models/index.js";
import { tokenise, vocabularyWords } from "./tokeniser.js";
import type { EncodedQuery } from "./types.js";
import { Vocabulary } from "./vocabulary.js";

/** Encodes queries; see {@link Encoder.encodeText}. */
export class TextEncoder {
  private vocabulary: Promise<Vocabulary> | undefined;
  private readonly cache: LRUCache<string, Promise<EncodedQuery>>;

  /** @param cacheSize queries kept in memory */
  constructor(
    private readonly pack: ModelPack,
    private readonly inference: InferencePool,
    cacheSize: number,
  ) {
    this.cache = new LRUCache({ max: cacheSize });
  }

  /** The query's embeddings and weights. What it returns is shared with later callers: do not write to it. */
  encode(text: string): Promise<EncodedQuery> {
    const tokens = tokenise(text);
    // Texts with the same tokens are the same query; those in flight are shared as well.
    const key = tokens.join(" ");
    const known = this.cache.get(key);
    if (known !== undefined) return known;
    const encoded = this.encodeTokens(tokens);
    this.cache.set(key, encoded);
    encoded.catch(() => {
      if (this.cache.peek(key) === encoded) this.cache.delete(key);
    });
    return encoded;
  }

  private async encodeTokens(tokens: string[]): Promise<EncodedQuery> {
    const vocabulary = await this.openVocabulary();
    const { wordLimit, wordDim } = this.pack.manifest.textEncoder;
    const found: string[] = [];
    const unknown = new Set<string>();
    for (const token of tokens) {
      const words = vocabularyWords(token, (word) => vocabulary.has(word));
      if (words.length === 0) unknown.add(token);
      found.push(...words);
    }
    const knownWords = found.slice(0, wordLimit);
    const query = { tokens, knownWords, unknownWords: [...unknown], cutWords: found.slice(wordLimit) };
    if (knownWords.length === 0) return { ...query, embeddings: [], weights: new Float32Array(0) };

    const data = new Float32Array(wordLimit * wordDim);
    vocabulary.copyVectors(knownWords, data);
    const outputs = await this.inference.run(TEXT_ENCODER, { words: { data, dims: [1, wordLimit, wordDim] } });
    return {
      ...query,
      embeddings: this.pack.manifest.experts.map(({ name }) => outputs[`embedding_${name}`]!.data),
      weights: outputs["weights"]!.data,
    };
  }

  /** Read when the first query comes; a failed read is tried again by the next one. */
  private openVocabulary(): Promise<Vocabulary> {
    this.vocabulary ??= Vocabulary.load(this.pack).catch((error: unknown) => {
      this.vocabulary = undefined;
      throw error;
    });
    return this.vocabulary;
  }
}
