/**
 * Words that the tokeniser "word2vec-english-v1" does not cut by rule: contractions, which it cuts where the table
 * says, and abbreviations and faces, which it keeps whole. Twin of training/earshot_training/text/contractions.py.
 */

/** Endings that each group of words takes; "'ll 've" is two. */
const ENDINGS: readonly [words: string, endings: string][] = [
  ["i", "'m|'m a|'ll|'ll 've|'d|'d 've|'ve"],
  ["you we they", "'ll|'ll 've|'d|'d 've|'ve|'re"],
  ["he she it", "'ll|'ll 've|'d|'d 've|'s"],
  ["who what when where why how there", "'s|'ll|'ll 've|'re|'ve|'d|'d 've"],
  ["that this", "'s|'ll|'ll 've|'d|'d 've"],
  ["these those", "'ll|'ll 've|'re|'ve|'d|'d 've"],
  ["ca could do does did had may might must need ought sha should wo would", "n't|n't 've"],
  ["ai are is was were have has dare", "n't"],
  ["could might must should would", "'ve"],
  ["not", "'ve"],
];

/** Written without an apostrophe these would be other words; those stay whole. */
const OTHER_WORDS = new Set(["ill", "its", "hell", "shell", "shed", "were", "well", "whore"]);

const CUT = ["how 'd 'y", "can not", "gon na", "got ta", "let 's", "c'm on"];
const CUT_SMALL_ONLY = ["y' all", "y all"];

const WHOLE = words(`
  doin doin' goin goin' nothin nothin' nuthin nuthin' ol ol' somethin somethin' lovin lovin' havin havin'
  'cause 'cos 'coz 'cuz ma'am o'clock
`);
const WHOLE_AS_WRITTEN = words(`
  em 'em ll 'll nuff 'nuff 's 'S ‘s ‘S 're 'd 'bout and/or w/o ' '' C++
  Mt. Ak. Ala. Apr. Ariz. Ark. Aug. Calif. Colo. Conn. Dec. Del. Feb. Fla. Ga. Ia. Id. Ill. Ind. Jan. Jul.
  Jun. Kan. Kans. Ky. La. Mar. Mass. Mich. Minn. Miss. N.C. N.D. N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. Nov.
  Oct. Okla. Ore. Pa. S.C. Sep. Sept. Tenn. Va. Wash. Wis.
  a.m. p.m. Adm. Bros. co. Co. Corp. D.C. Dr. e.g. E.g. E.G. Gen. Gov. i.e. I.e. I.E. Inc. Jr. Ltd. Md.
  Messrs. Mo. Mont. Mr. Mrs. Ms. Ph.D. Prof. Rep. Rev. Sen. St. vs. v.s.
  a. b. c. d. e. f. g. h. i. j. k. l. m. n. o. p. q. r. s. t. u. v. w. x. y. z. ä. ö. ü.
  :) :-) :)) :( :-( :(( ;) ;-) (: (-: (; ): )-: =) =( (= :] :-] :} :-} :/ :-/ :| :-| =/ =| :P :-P :p :-p
  :D :-D ;D ;-D =D :O :-O :o :-o :X :-X :x :-x :* :-* :> :-> :'( :'-( :') :'-) 8) 8-) :3 <3 </3 ^_^ -_-
  o_o O_O >.< ._. ;_;
`);

/** The length of each part, by the word with straight apostrophes: "don't" gives [2, 3], "Dr." gives [3]. */
const CUTS: ReadonlyMap<string, readonly number[]> = new Map(
  [...tableEntries()].map((parts) => [parts.join(""), parts.map((part) => part.length)]),
);

/**
 * The parts of a word of the table, with its own apostrophes: "don’t" gives ["do", "n’t"]. Undefined for other words,
 * and for one that mixes straight and curly apostrophes.
 */
export function cutWord(word: string): string[] | undefined {
  const lengths = CUTS.get(word.includes("'") ? word : word.replaceAll("’", "'"));
  if (lengths === undefined) return undefined;
  let start = 0;
  return lengths.map((length) => word.slice(start, (start += length)));
}

function* tableEntries(): Generator<string[]> {
  for (const [group, endings] of ENDINGS) {
    for (const word of group.split(" ").flatMap((small) => [small, capitalised(small)])) {
      for (const ending of endings.split("|")) {
        yield [word, ...ending.split(" ")];
        const bare = [word, ...ending.replaceAll("'", "").split(" ")];
        if (!OTHER_WORDS.has(bare.join("").toLowerCase())) yield bare;
      }
    }
  }
  for (const parts of CUT.flatMap((small) => [small, capitalised(small)])) yield parts.split(" ");
  for (const parts of CUT_SMALL_ONLY) yield parts.split(" ");
  for (let hour = 1; hour <= 12; hour++) {
    for (const half of ["am", "pm", "a.m.", "p.m."]) yield [String(hour), half];
  }
  for (const word of WHOLE) {
    yield [word];
    yield [word.startsWith("'") ? `'${capitalised(word.slice(1))}` : capitalised(word)];
  }
  for (const word of WHOLE_AS_WRITTEN) yield [word];
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
