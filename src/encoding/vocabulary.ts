import { readFile } from "node:fs/promises";
import { packFile, type ModelPack } from "../models/index.js";
import { ModelLoadFailedError } from "../errors.js";
import { halfToFloat } from "./half-float.js";

/** The words a pack knows, each with its vector. */
export class Vocabulary {
  /**
   * @param rows row of each word
   * @param vectors half floats, little-endian, row-major
   * @param wordDim width of a vector
   */
  private constructor(
    private readonly rows: ReadonlyMap<string, number>,
    private readonly vectors: Buffer,
    private readonly wordDim: number,
  ) {}

  /**
   * Reads the two vocabulary files of a pack. The vectors stay half floats in memory.
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
    return new Vocabulary(rows, vectors, wordDim);
  }

  /** Whether there is a vector for the word. */
  has(word: string): boolean {
    return this.rows.has(word);
  }

  /** Writes the vectors of known words one after the other into `target`, from its start. */
  copyVectors(words: readonly string[], target: Float32Array): void {
    words.forEach((word, place) => {
      const first = this.rows.get(word)! * this.wordDim;
      for (let i = 0; i < this.wordDim; i++) {
        target[place * this.wordDim + i] = halfToFloat(this.vectors.readUInt16LE(2 * (first + i)));
      }
    });
  }
}
