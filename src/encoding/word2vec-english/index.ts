import { readFile } from "node:fs/promises";
import { packFile } from "../../models/index.js";
import type { Tokeniser } from "../tokeniser.js";
import { parseLemmas } from "./lemmas.js";
import { word2vecLookUp } from "./look-up.js";
import { Spelling } from "./spelling.js";
import { tokenise } from "./tokeniser.js";

/** The tokeniser "word2vec-english-v1", which the paper's models were trained with. */
export const word2vecEnglish: Tokeniser = {
  tokenise,
  async openLookUp(pack, vocabulary) {
    const { lemmas, spelling } = pack.manifest.textEncoder.vocabulary;
    const read = async (name: string | undefined) =>
      name === undefined ? "" : await readFile(packFile(pack, name), "utf8");
    const [lemmaText, spellingText] = await Promise.all([read(lemmas), read(spelling)]);
    return word2vecLookUp({
      rowOf: (word) => vocabulary.rowOf(word),
      lemmas: parseLemmas(lemmaText, lemmas ?? "lemmas"),
      spelling: spelling === undefined ? undefined : await Spelling.parse(spellingText, spelling),
    });
  },
};
