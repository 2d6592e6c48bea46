import type { ModelPack } from "../models/index.js";
import type { Vocabulary } from "./vocabulary.js";

/** The vocabulary words that stand for a token, in order; none when it is unknown. */
export type LookUp = (token: string) => readonly string[];

/** How a model pack reads text: `textEncoder.tokeniser` of its manifest names one. */
export interface Tokeniser {
  /** The tokens of a text, in order, whatever the vocabulary. */
  tokenise(text: string): string[];
  /**
   * Reads the tables the pack has for this tokeniser.
   *
   * @throws ModelLoadFailedError a table is not what it should be
   */
  openLookUp(pack: ModelPack, vocabulary: Vocabulary): Promise<LookUp>;
}
