import type { PackManifest } from "../models/index.js";
import { simpleEnglish } from "./simple-english.js";
import type { Tokeniser } from "./tokeniser.js";
import { word2vecEnglish } from "./word2vec-english/index.js";

/** The tokenisers that a manifest can name. */
export const TOKENISERS: Readonly<Record<PackManifest["textEncoder"]["tokeniser"], Tokeniser>> = {
  "simple-english-v1": simpleEnglish,
  "word2vec-english-v1": word2vecEnglish,
};
