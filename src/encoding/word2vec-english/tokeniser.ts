import { cutWord } from "./contractions.js";

/**
 * The tokeniser "word2vec-english-v1": words as spaCy's English rules cut them, case kept (reference fact 5.4).
 * Its specification stands in docs/model-packs.md; the training code has its twin in
 * training/earshot_training/text/word2vec_english.py, and both are held to training/tests/tokeniser_sentences.json.
 *
 * A piece is an array of code points here, so that one element is one character.
 */

const WHITE_SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u;
const PUNCTUATION = new Set("…,:;!?¿¡()[]{}<>_#*&·。？！，、；：～");
const QUOTES = new Set(",'\"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉");
const SIGNS = new Set("%=§—–");
const UNITS = new Set(
  (
    "km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph " +
    "hPa Pa mbar mb MB kb KB gb GB tb TB T G M K %"
  ).split(" "),
);
const LONGEST_UNIT = 4;
/** Characters; the work grows with the square. */
const LONGEST_PIECE = 500;
/** Most tokens that the rules make of a word of the table. */
const MOST_TOKENS = 6;
const HYPHENS = ["---", "--", "-", "–", "——", "—", "~"].map((hyphen) => [...hyphen]);
const POSSESSIVES = new Set(["'s", "'S", "’s", "’S"]);
const ADDRESS =
  /^(?:[\w+.-]{2,}:\/\/)?(?:.+@)?(?:(?:[A-Za-z0-9\u00a1-\uffff][A-Za-z0-9\u00a1-\uffff_-]{0,62})?[A-Za-z0-9\u00a1-\uffff]\.)+[a-z\u00df-\u00f6\u00f8-\u00ff]{2,63}(?::\d{2,5})?(?:[/?#].*)?$/u;

type Piece = readonly string[];

/** The tokens of a text, in order: "The dog's bark." gives ["The", "dog", "'s", "bark", "."]. */
export function tokenise(text: string): string[] {
  return text
    .normalize("NFC")
    .split(WHITE_SPACE)
    .filter((piece) => piece !== "")
    .flatMap((piece) => {
      // Most pieces are plain words, in which no rule finds anything.
      if (/^[A-Za-z]+$/.test(piece)) return cutWord(piece) ?? [piece];
      const chars = [...piece];
      return chars.length > LONGEST_PIECE ? [piece] : joinWords(cutPiece(chars));
    });
}

function cutPiece(whole: Piece): string[] {
  const before: string[] = [];
  const behind: string[] = [];
  let piece = whole;
  while (piece.length > 0 && !isTableWord(piece)) {
    const prefix = prefixLength(piece);
    if (prefix > 0 && isTableWord(piece.slice(prefix))) {
      before.push(piece.slice(0, prefix).join(""));
      piece = piece.slice(prefix);
      break;
    }
    const end = piece.length - suffixLength(piece.slice(prefix));
    if (end < piece.length && isTableWord(piece.slice(0, end))) {
      behind.unshift(piece.slice(end).join(""));
      piece = piece.slice(0, end);
      break;
    }
    if (prefix === 0 && end === piece.length) break;
    if (prefix > 0) before.push(piece.slice(0, prefix).join(""));
    if (end < piece.length) behind.unshift(piece.slice(end).join(""));
    piece = piece.slice(prefix, end);
  }
  const middle = piece.length === 0 ? [] : (cutWord(piece.join("")) ?? cutInfixes(piece));
  return [...before, ...middle, ...behind];
}

/** Words of the table in place of the tokens that the rules made of them: the longest run first, then the first. */
function joinWords(tokens: string[]): string[] {
  const runs: { start: number; end: number }[] = [];
  for (let start = 0; start < tokens.length; start++) {
    for (let end = start + 2; end <= Math.min(start + MOST_TOKENS, tokens.length); end++) {
      if (cutWord(tokens.slice(start, end).join("")) !== undefined) runs.push({ start, end });
    }
  }
  const chosen = new Map<number, number>();
  for (const { start, end } of runs.sort((a, b) => b.end - b.start - (a.end - a.start) || a.start - b.start)) {
    if ([...chosen].every(([first, last]) => end <= first || last <= start)) chosen.set(start, end);
  }
  const joined: string[] = [];
  for (let place = 0, end = 0; place < tokens.length; place = end) {
    end = chosen.get(place) ?? place + 1;
    const word = tokens.slice(place, end).join("");
    joined.push(...((chosen.has(place) ? cutWord(word) : undefined) ?? [word]));
  }
  return joined;
}

function isTableWord(piece: Piece): boolean {
  return cutWord(piece.join("")) !== undefined;
}

function prefixLength(piece: Piece): number {
  const first = piece[0]!;
  if (isSign(first) || SIGNS.has(first) || isCurrency(first)) return 1;
  if (first === "+") return isDigit(piece[1]) ? 0 : 1;
  for (const dollar of ["US$", "C$", "A$"]) {
    if (piece.slice(0, dollar.length).join("") === dollar) return dollar.length;
  }
  return dotsFrom(piece, 0);
}

/** Length of the longest suffix of a piece, which may be empty. */
function suffixLength(piece: Piece): number {
  const { length } = piece;
  if (length === 0) return 0;
  const last = piece[length - 1]!;
  for (let unit = LONGEST_UNIT; unit > 0; unit--) {
    if (isDigit(piece[length - unit - 1]) && UNITS.has(piece.slice(length - unit).join(""))) return unit;
  }
  const two = piece.slice(-2).join("");
  if (POSSESSIVES.has(two) || two === "……") return 2;
  if (isSign(last) || last === "—" || last === "–") return 1;
  if (last === "+" || isCurrency(last)) return isDigit(piece[length - 2]) ? 1 : 0;
  if (last !== ".") return 0;
  let stem = length - 1;
  while (stem > 0 && piece[stem - 1] === ".") stem--;
  if (length - stem >= 2) return length - stem;
  const before = piece[stem - 1];
  const beforeThat = piece[stem - 2];
  return before !== undefined &&
    (isDigit(before) ||
      isLower(before) ||
      PUNCTUATION.has(before) ||
      QUOTES.has(before) ||
      "%²-+|".includes(before) ||
      (isUpper(before) && isUpper(beforeThat)) ||
      (beforeThat === "°" && "FfCcKk".includes(before)))
    ? 1
    : 0;
}

function cutInfixes(piece: Piece): string[] {
  if (ADDRESS.test(piece.join(""))) return [piece.join("")];
  const tokens: string[] = [];
  let start = 0;
  let place = 0;
  while (place < piece.length) {
    const length = infixLength(piece, place);
    if (length > 0 && place > 0) {
      if (place > start) tokens.push(piece.slice(start, place).join(""));
      tokens.push(piece.slice(place, place + length).join(""));
      start = place + length;
    }
    place += length > 0 ? length : 1;
  }
  if (start < piece.length) tokens.push(piece.slice(start).join(""));
  return tokens;
}

function infixLength(piece: Piece, place: number): number {
  const sign = piece[place]!;
  const before = piece[place - 1];
  const after = piece[place + 1];
  const dots = dotsFrom(piece, place);
  if (dots > 0) return dots;
  if (sign === "…" || isSymbol(sign)) return 1;
  if ("+-*^".includes(sign) && isDigit(before) && (isDigit(after) || after === "-")) return 1;
  if (sign === "." && (isLower(before) || isQuote(before)) && (isUpper(after) || isQuote(after))) return 1;
  if (sign === ",") return isLetter(before) && isLetter(after) ? 1 : 0;
  if (!isLetter(before) && !isDigit(before)) return 0;
  if (":<>=/".includes(sign)) return isLetter(after) ? 1 : 0;
  const hyphen = HYPHENS.find(
    (signs) => signs.every((char, i) => piece[place + i] === char) && isLetter(piece[place + signs.length]),
  );
  return hyphen?.length ?? 0;
}

/** How many dots follow one another from a place on, where that is two or more; else 0. */
function dotsFrom(piece: Piece, place: number): number {
  let end = place;
  while (piece[end] === ".") end++;
  return end - place >= 2 ? end - place : 0;
}

/** Whether a character is one at both ends of a piece: punctuation, quote or symbol. */
function isSign(char: string): boolean {
  return PUNCTUATION.has(char) || QUOTES.has(char) || isSymbol(char);
}

// The functions below take one character, or none beyond the ends of a piece.
type Char = string | undefined;
const isOf = (property: RegExp) => (char: Char) => char !== undefined && property.test(char);
const isDigit = isOf(/^[0-9]$/);
const isLetter = isOf(/^\p{L}$/u);
const isLower = isOf(/^\p{Ll}$/u);
const isUpper = isOf(/^\p{Lu}$/u);
const isSymbol = isOf(/^\p{So}$/u);
const isCurrency = isOf(/^\p{Sc}$/u);
const isQuote = (char: Char) => char !== undefined && QUOTES.has(char);
