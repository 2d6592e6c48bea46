import { setImmediate as nextTurn } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import { FeaturesDoNotFitError } from "../errors.js";
import { TEXT_ENCODER, type InferencePool, type ModelPack } from "../models/index.js";
import { observeNothing, type Observe } from "../telemetry/index.js";
import type { LookUp, Tokeniser } from "./tokeniser.js";
import { TOKENISERS } from "./tokenisers.js";
import type { EncodedQuery, EncodeTextOptions } from "./types.js";
import { Vocabulary } from "./vocabulary.js";

/** Tokens looked up before other work gets its turn. */
const TOKENS_A_TURN = 16;

/** What texts are read with, once it is loaded. */
interface Words {
  vocabulary: Vocabulary;
  lookUp: LookUp;
}

/** Encodes queries. */
export class TextEncoder {
  private readonly tokeniser: Tokeniser;
  private words: Promise<Words> | undefined;
  private readonly cache: LRUCache<string, Promise<EncodedQuery>>;

  /** @param cacheSize queries kept in memory */
  constructor(
    private readonly pack: ModelPack,
    private readonly inference: InferencePool,
    cacheSize: number,
    private readonly observe: Observe = observeNothing,
  ) {
    this.tokeniser = TOKENISERS[pack.manifest.textEncoder.tokeniser];
    this.cache = new LRUCache({ max: cacheSize });
  }

  /** Encodes a text; see {@link Encoder.encodeText}. What it returns is shared with later callers: do not write to it. */
  encode(text: string, { withoutKnownWords = "nothing" }: EncodeTextOptions = {}): Promise<EncodedQuery> {
    const tokens = this.tokeniser.tokenise(text);
    // Texts with the same tokens are the same query; those in flight are shared as well.
    const key = `${withoutKnownWords} ${tokens.join(" ")}`;
    const known = this.cache.get(key);
    this.observe({ kind: "cache", cache: "queries", hit: known !== undefined });
    if (known !== undefined) return known;
    const encoded = this.encodeTokens(tokens, withoutKnownWords === "empty-vector");
    this.cache.set(key, encoded);
    encoded.catch(() => {
      if (this.cache.peek(key) === encoded) this.cache.delete(key);
    });
    return encoded;
  }

  /** Encodes word vectors; see {@link Encoder.encodeWords}. */
  async encodeVectors(vectors: Float32Array): Promise<EncodedQuery> {
    const { wordLimit, wordDim } = this.pack.manifest.textEncoder;
    if (vectors.length % wordDim !== 0)
      throw new FeaturesDoNotFitError(
        `The word vectors do not fit the model pack ${this.pack.id}: expected ${wordDim} numbers a word, found ` +
          `${vectors.length} numbers in all.`,
      );
    const query = { tokens: [], knownWords: [], unknownWords: [], cutWords: [] };
    if (vectors.length === 0) return { ...query, ...noEmbeddings() };
    const data = new Float32Array(wordLimit * wordDim);
    data.set(vectors.subarray(0, data.length));
    return { ...query, ...(await this.run(data)) };
  }

  private async encodeTokens(tokens: string[], isCaption: boolean): Promise<EncodedQuery> {
    const { vocabulary, lookUp } = await this.openWords();
    const { wordLimit, wordDim } = this.pack.manifest.textEncoder;
    const { found, unknown, hasWord } = await readTokens(tokens, lookUp);
    // Signs for which a word was found are part of a caption as in training, but say nothing of a person's wish.
    const used = hasWord || isCaption ? found : [];
    const knownWords = used.slice(0, wordLimit);
    const query = { tokens, knownWords, unknownWords: unknown, cutWords: used.slice(wordLimit) };

    const data = new Float32Array(wordLimit * wordDim);
    vocabulary.copyVectors(knownWords, data);
    const isEmpty = knownWords.length === 0 && !(isCaption && vocabulary.copyEmptyVector(data));
    if (isEmpty) return { ...query, ...noEmbeddings() };
    return { ...query, ...(await this.run(data)) };
  }

  /** The embeddings and weights of word vectors [wordLimit, wordDim]. */
  private async run(data: Float32Array): Promise<Pick<EncodedQuery, "embeddings" | "weights">> {
    const { experts, textEncoder } = this.pack.manifest;
    const dims = [1, textEncoder.wordLimit, textEncoder.wordDim];
    const outputs = await this.inference.run(TEXT_ENCODER, { words: { data, dims } });
    return {
      embeddings: experts.map(({ name }) => outputs[`embedding_${name}`]!.data),
      weights: outputs["weights"]!.data,
    };
  }

  /** Read when the first query comes; a failed read is tried again by the next one. */
  private openWords(): Promise<Words> {
    this.words ??= this.loadWords().catch((error: unknown) => {
      this.words = undefined;
      throw error;
    });
    return this.words;
  }

  private async loadWords(): Promise<Words> {
    const vocabulary = await Vocabulary.load(this.pack);
    return { vocabulary, lookUp: await this.tokeniser.openLookUp(this.pack, vocabulary) };
  }
}

/** What becomes of a query without words. */
function noEmbeddings(): Pick<EncodedQuery, "embeddings" | "weights"> {
  return { embeddings: [], weights: new Float32Array(0) };
}

interface ReadTokens {
  /** The words found, in order. */
  found: string[];
  /** The tokens with a letter or digit that have none, each once. */
  unknown: string[];
  /** Whether a token with a letter or digit has some. */
  hasWord: boolean;
}

/** Looks tokens up; other requests get their turn meanwhile, as an unknown token may take milliseconds. */
async function readTokens(tokens: readonly string[], lookUp: LookUp): Promise<ReadTokens> {
  const found: string[] = [];
  const unknown = new Set<string>();
  let hasWord = false;
  for (const [number, token] of tokens.entries()) {
    if (number % TOKENS_A_TURN === TOKENS_A_TURN - 1) await nextTurn();
    const words = lookUp(token);
    found.push(...words);
    if (/[\p{L}\p{N}]/u.test(token)) {
      if (words.length === 0) unknown.add(token);
      else hasWord = true;
    }
  }
  return { found, unknown: [...unknown], hasWord };
}
