import { setImmediate as nextTurn } from "node:timers/promises";
import { ModelLoadFailedError } from "../../errors.js";

/**
 * Suggestions for misspelled words, in the order in which SymSpell gives them. Twin of
 * training/earshot_training/text/spelling.py, which says how the search works and why it is exact.
 */

const GREATEST_DISTANCE = 2;
const PREFIX_LENGTH = 7;
const FAR = GREATEST_DISTANCE + 1;
/** Lines that are read before other work gets its turn: some milliseconds. */
const LINES_A_TURN = 4096;
/** Characters of two UTF-16 units; they count as one letter. */
const WIDE = /[\u{10000}-\u{10ffff}]/gu;

/** A list of words with their counts in a large corpus. */
export class Spelling {
  private readonly sorted: readonly string[];
  /** How many letters each word of `sorted` shares with the one before it. */
  private readonly shared: Uint16Array;
  private readonly longest: number;

  /**
   * @param rows number of each word in the list's own order
   * @param counts count of each word, in that order
   */
  private constructor(
    private readonly rows: ReadonlyMap<string, number>,
    private readonly counts: readonly number[],
  ) {
    this.sorted = [...rows.keys()].sort();
    this.shared = Uint16Array.from(this.sorted, (word, i) => (i === 0 ? 0 : sharedPrefix(this.sorted[i - 1]!, word)));
    this.longest = this.sorted.reduce((longest, word) => Math.max(longest, word.length), 0);
  }

  /**
   * Reads the file `spelling` of a pack: a line "word count" for each word. Other work gets its turn meanwhile.
   *
   * @throws ModelLoadFailedError a line has another form, or a word comes twice
   */
  static async parse(text: string, name: string): Promise<Spelling> {
    const rows = new Map<string, number>();
    const counts: number[] = [];
    const lines = text.split(/\r?\n/);
    if (lines.at(-1) === "") lines.pop();
    for (const [index, line] of lines.entries()) {
      if (index % LINES_A_TURN === LINES_A_TURN - 1) await nextTurn();
      const space = line.indexOf(" ");
      const word = line.slice(0, space);
      const count = line.slice(space + 1);
      if (space < 1 || !/^\d+$/.test(count) || rows.has(word))
        throw new ModelLoadFailedError(
          `Line ${index + 1} of the model pack's file "${name}" should be a new word and its count, "word count", ` +
            `but is ${JSON.stringify(line.slice(0, 60))}.`,
        );
      rows.set(word, counts.push(Number(count)) - 1);
    }
    await nextTurn();
    return new Spelling(rows, counts);
  }

  /** The words of the list nearest to a token, the best first; none when all are farther than 2 edits. */
  suggestions(written: string): string[] {
    if (this.rows.has(written)) return [written];
    const token = written.replace(WIDE, "\uffff");
    if (token.length > this.longest + GREATEST_DISTANCE) return [];
    const found = this.closest(token).map((word) => {
      const row = this.rows.get(word)!;
      return { word, row, count: this.counts[row]! };
    });
    const tied = found.length > new Set(found.map(({ count }) => count)).size;
    const meeting = tied ? meetings(token) : () => 0;
    return found
      .map((suggestion) => ({ ...suggestion, met: meeting(suggestion.word) }))
      .sort((a, b) => b.count - a.count || a.met - b.met || a.row - b.row)
      .map(({ word }) => word);
  }

  /** All words at the smallest distance, if that is at most 2. */
  private closest(token: string): string[] {
    const width = token.length + 1;
    const rows = new Uint8Array((this.longest + 1) * width).fill(FAR);
    for (let column = 0; column < width; column++) rows[column] = Math.min(column, FAR);
    const least = new Uint8Array(this.longest + 1);
    const { sorted, shared } = this;
    let limit = GREATEST_DISTANCE;
    let found: string[] = [];
    for (let place = 0; place < sorted.length;) {
      const word = sorted[place]!;
      let stop = 0;
      for (let depth = shared[place]! + 1; depth <= word.length; depth++) {
        least[depth] = fillRow(rows, width, depth, word, token);
        // The row after next can come from this one, or by a swap from the one before.
        if (least[depth]! > limit && least[depth - 1]! >= limit) {
          stop = depth;
          break;
        }
      }
      place++;
      if (stop > 0) {
        while (place < sorted.length && shared[place]! >= stop) place++;
        continue;
      }
      const distance = rows[word.length * width + token.length]!;
      if (distance > limit) continue;
      if (distance < limit) {
        limit = distance;
        found = [];
      }
      found.push(word);
    }
    return found;
  }
}

/**
 * Row `depth` of the table of distances: of the word's first `depth` letters to each beginning of the token, where
 * they can be at most 2. Returns the smallest.
 */
function fillRow(rows: Uint8Array, width: number, depth: number, word: string, token: string): number {
  const row = depth * width;
  const above = row - width;
  const letter = word.charCodeAt(depth - 1);
  rows[row] = Math.min(depth, FAR);
  let least = rows[row];
  const last = Math.min(token.length, depth + GREATEST_DISTANCE);
  for (let column = Math.max(1, depth - GREATEST_DISTANCE); column <= last; column++) {
    let value = rows[above + column - 1]!;
    if (token.charCodeAt(column - 1) !== letter) {
      value = 1 + Math.min(value, rows[above + column]!, rows[row + column - 1]!);
      const swapped =
        column > 1 &&
        depth > 1 &&
        token.charCodeAt(column - 2) === letter &&
        token.charCodeAt(column - 1) === word.charCodeAt(depth - 2);
      if (swapped) value = Math.min(value, 1 + rows[above - width + column - 2]!);
    }
    rows[row + column] = Math.min(value, FAR);
    if (value < least) least = value;
  }
  return least;
}

/**
 * A function from a word to the number of the look-up at which SymSpell meets it, which orders words of equal count.
 *
 * SymSpell looks up the token's first 7 letters, then these with one letter deleted, from the front to the back, then
 * with two. It meets a word that has this string among the deletions of its own first 7 letters; but where both have
 * lost two letters, only if the ends behind the prefix agree as they must then.
 */
function meetings(token: string): (word: string) => number {
  const lookedUp = [token.slice(0, PREFIX_LENGTH)];
  for (const candidate of lookedUp) {
    if (lookedUp[0]!.length - candidate.length >= GREATEST_DISTANCE) break;
    for (let cut = 0; cut < candidate.length; cut++) {
      const shorter = candidate.slice(0, cut) + candidate.slice(cut + 1);
      if (!lookedUp.includes(shorter)) lookedUp.push(shorter);
    }
  }
  return (word) => {
    const met = lookedUp.findIndex(
      (candidate) =>
        isDeletion(candidate, word.slice(0, PREFIX_LENGTH)) &&
        (candidate.length !== PREFIX_LENGTH - GREATEST_DISTANCE || endsAgree(token, word)),
    );
    return met === -1 ? lookedUp.length : met;
  };
}

/** Whether deleting at most 2 letters of the longer string gives the shorter one. */
function isDeletion(shorter: string, longer: string): boolean {
  if (longer.length - shorter.length > GREATEST_DISTANCE) return false;
  let place = 0;
  for (const letter of longer) if (letter === shorter[place]) place++;
  return place === shorter.length;
}

/** SymSpell's check of what lies behind the prefixes when both edits are spent in them. */
function endsAgree(token: string, word: string): boolean {
  const behind = Math.min(token.length, word.length) - PREFIX_LENGTH;
  if (behind > 1 && token.slice(token.length + 1 - behind) !== word.slice(word.length + 1 - behind)) return false;
  if (behind <= 0) return true;
  const [mine, mineBefore] = [token.at(-behind), token.at(-behind - 1)];
  const [other, otherBefore] = [word.at(-behind), word.at(-behind - 1)];
  return mine === other || (mineBefore === other && mine === otherBefore);
}

function sharedPrefix(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}
