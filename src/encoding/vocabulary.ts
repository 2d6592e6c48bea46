import { readFile } from "node:fs/promises";
import { packFile, type ModelPack } from "../models/index.js";
import { ModelLoadFailedError } from "../errors.js";
import { halfToFloat } from "./half-float.js";

/** Reads one number of a buffer, given its number there. */
const READERS = {
  float16: (vectors: Buffer, index: number) => halfToFloat(vectors.readUInt16LE(2 * index)),
  float32: (vectors: Buffer, index: number) => vectors.readFloatLE(4 * index),
};

/** The words a pack knows, each with its vector. */
export class Vocabulary {
  /**
   * @param rows row of each word
   * @param vectors row-major, little-endian
   * @param read one of {@link READERS}
   * @param wordDim width of a vector
   * @param emptyRow row of the vector that stands for a text in which no word is known
   */
  private constructor(
    private readonly rows: ReadonlyMap<string, number>,
    private readonly vectors: Buffer,
    private readonly read: (vectors: Buffer, index: number) => number,
    private readonly wordDim: number,
    private readonly emptyRow: number | undefined,
  ) {}

  /**
   * Reads the two vocabulary files of a pack. The vectors stay in memory as the file has them.
   *
   * @throws ModelLoadFailedError the number of words is not the one the manifest gives
   */
  static async load(pack: ModelPack): Promise<Vocabulary> {
    const { vocabulary, wordDim } = pack.manifest.textEncoder;
    const [text, vectors] = await Promise.all([
      readFile(packFile(pack, vocabulary.words), "utf8"),
      readFile(packFile(pack, vocabulary.vectors)),
    ]);
    const rows = new Map<string, number>();
    let row = 0;
    for (const line of text.split("\n")) {
      const word = line.trimEnd();
      if (word !== "") rows.set(word, row++);
    }
    if (row !== vocabulary.size || rows.size !== row) {
      throw new ModelLoadFailedError(
        `The file "${vocabulary.words}" of the model pack ${pack.id} should hold ${vocabulary.size} different words, ` +
          `but holds ${rows.size} in ${row} lines.`,
      );
    }
    const emptyRow = vocabulary.emptyVector ? vocabulary.size : undefined;
    return new Vocabulary(rows, vectors, READERS[vocabulary.dtype], wordDim, emptyRow);
  }

  /** Whether there is a vector for the word. */
  has(word: string): boolean {
    return this.rows.has(word);
  }

  /** The word's row: the smaller, the more frequent the word. Undefined for an unknown one. */
  rowOf(word: string): number | undefined {
    return this.rows.get(word);
  }

  /** Writes the vectors of known words one after the other into `target`, from its start. */
  copyVectors(words: readonly string[], target: Float32Array): void {
    words.forEach((word, place) => this.copyRow(this.rows.get(word)!, target, place));
  }

  /**
   * Writes the vector that stands for a text in which no word is known to the start of `target`.
   *
   * @returns whether the pack has one
   */
  copyEmptyVector(target: Float32Array): boolean {
    if (this.emptyRow === undefined) return false;
    this.copyRow(this.emptyRow, target, 0);
    return true;
  }

  private copyRow(row: number, target: Float32Array, place: number): void {
    for (let i = 0; i < this.wordDim; i++) {
      target[place * this.wordDim + i] = this.read(this.vectors, row * this.wordDim + i);
    }
  }
}
