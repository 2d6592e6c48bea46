"""Words that the tokeniser "word2vec-english-v1" does not cut by rule.

Contractions it cuts where this table says; abbreviations and faces it keeps whole.
src/encoding/word2vec-english/contractions.ts is its twin.
"""

from collections.abc import Iterable

_PRONOUNS = {  # endings that each group of words takes; "'ll 've" is two
    "i": "'m|'m a|'ll|'ll 've|'d|'d 've|'ve",
    "you we they": "'ll|'ll 've|'d|'d 've|'ve|'re",
    "he she it": "'ll|'ll 've|'d|'d 've|'s",
    "who what when where why how there": "'s|'ll|'ll 've|'re|'ve|'d|'d 've",
    "that this": "'s|'ll|'ll 've|'d|'d 've",
    "these those": "'ll|'ll 've|'re|'ve|'d|'d 've",
    "ca could do does did had may might must need ought sha should wo would": "n't|n't 've",
    "ai are is was were have has dare": "n't",
    "could might must should would": "'ve",
    "not": "'ve",
}
# Written without an apostrophe these would be other words; those stay whole.
_OTHER_WORDS = frozenset("ill its hell shell shed were well whore".split())

_CUT = "y' all|y all|how 'd 'y|can not|gon na|got ta|let 's|c'm on"
_CUT_SMALL_ONLY = frozenset(("y' all", "y all"))

_WHOLE = """
    doin doin' goin goin' nothin nothin' nuthin nuthin' ol ol' somethin somethin' lovin lovin' havin havin'
    'cause 'cos 'coz 'cuz ma'am o'clock
"""
_WHOLE_AS_WRITTEN = """
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
"""


def _cuts() -> Iterable[tuple[str, ...]]:
    for words, endings in _PRONOUNS.items():
        for word in words.split():
            for spelling in (word, word.capitalize()):
                for ending in endings.split("|"):
                    yield spelling, *ending.split()
                    bare = (spelling, *ending.replace("'", "").split())
                    if "".join(bare).lower() not in _OTHER_WORDS:
                        yield bare
    for parts in _CUT.split("|"):
        yield tuple(parts.split())
        if parts not in _CUT_SMALL_ONLY:
            yield tuple((parts[0].upper() + parts[1:]).split())
    for hour in range(1, 13):
        for half in ("am", "pm", "a.m.", "p.m."):
            yield str(hour), half
    for word in _WHOLE.split():
        yield (word,)
        yield (word.capitalize() if word[0] != "'" else f"'{word[1:].capitalize()}",)
    for word in _WHOLE_AS_WRITTEN.split():
        yield (word,)


# The length of each part, by the word with straight apostrophes: {"don't": (2, 3), "Dr.": (3,)}.
CUTS: dict[str, tuple[int, ...]] = {"".join(parts): tuple(map(len, parts)) for parts in _cuts()}


def cut_word(word: str) -> list[str] | None:
    """The parts of a word of the table, with its own apostrophes: "don’t" -> ["do", "n’t"]. Else None, and
    for a word that mixes straight and curly ones."""
    lengths = CUTS.get(word if "'" in word else word.replace("’", "'"))
    if lengths is None:
        return None
    parts, start = [], 0
    for length in lengths:
        parts.append(word[start : start + length])
        start += length
    return parts
