"""The tokeniser "word2vec-english-v1": words as spaCy's English rules cut them, case kept (fact 5.4).

The specification, which src/encoding/word2vec-english/tokeniser.ts follows as well:

1. The text is brought to Unicode NFC and cut at white space. Each piece goes through 2 to 6, but one of more
   than 500 characters stays whole.
2. A piece that stands in the table of contractions.py is cut as it says. "’" counts as "'" where it has
   no "'".
3. Else one prefix and one suffix are taken off it, and again, until neither is found, nothing is left, or
   what is left stands in the table. Where taking off the prefix alone, or the suffix alone, leaves a word of
   the table, only that is done. The suffix is looked for behind the prefix.
   Prefixes: one of the signs % = § — –, punctuation, a quote, a currency sign (also US$, C$, A$), a symbol
   (category So); + not before a digit; two or more dots.
   Suffixes, of which the longest counts: punctuation, a quote, a symbol, — or –; two or more dots; 's 'S ’s
   ’S; after a digit: +, a currency sign, a unit; and one dot, where before it stands a digit, a lower-case
   letter, a quote, punctuation, one of % ² - + |, two capitals, or ° with one of the letters FfCcKk.
4. What is left and is in the table is cut as it says; what looks like a web address stays whole.
5. Else it is cut around its infixes, which are tokens too, except at its very start:
   two or more dots; …; a symbol; one of + - * ^ between a digit and a digit or -; a dot between a lower-case
   letter or quote and a capital or quote; a comma between letters; a hyphen (- -- --- – — —— ~) or one of
   : < > = / between a letter or digit and a letter.
6. Neighbouring tokens of a piece that together are a word of the table become what the table says: the
   longest such run first, of equally long ones the first.

Letters are the categories L*, lower-case Ll, capitals Lu, digits 0 to 9.

Where this differs from spaCy 3.8: white space never becomes a token; NFC; long pieces; of spaCy's faces only
the common ones are in the table; units and punctuation are of Latin script and CJK only; CJK letters are
neither lower-case nor capitals; web addresses are recognised by a simpler rule.
"""

import re
import unicodedata
from functools import lru_cache

from earshot_training.text.contractions import cut_word

TOKENISER = "word2vec-english-v1"

WHITE_SPACE = re.compile("[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_PUNCTUATION = frozenset("…,:;!?¿¡()[]{}<>_#*&·。？！，、；：～")
_QUOTES = frozenset(",'\"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉")
_SIGNS = frozenset("%=§—–")
_UNITS = frozenset(
    "km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh"
    " mph hPa Pa mbar mb MB kb KB gb GB tb TB T G M K %".split()
)
_HYPHENS = ("---", "--", "-", "–", "——", "—", "~")
_LONGEST_PIECE = 500  # characters; the work grows with the square
_MOST_TOKENS = 6  # that the rules make of a word of the table
_ADDRESS = re.compile(
    r"(?:[\w+.-]{2,}://)?(?:.+@)?"
    r"(?:(?:[A-Za-z0-9\u00a1-\uffff][A-Za-z0-9\u00a1-\uffff_-]{0,62})?[A-Za-z0-9\u00a1-\uffff]\.)+"
    r"[a-z\u00df-\u00f6\u00f8-\u00ff]{2,63}(?::\d{2,5})?(?:[/?#].*)?",
    re.ASCII,
)


def tokenise(text: str) -> list[str]:
    """The tokens of a text, in order: "The dog's don't-care bark." -> ["The", "dog", "'s", ...]."""
    pieces = WHITE_SPACE.split(unicodedata.normalize("NFC", text))
    return [token for piece in pieces if piece for token in _tokens_of(piece)]


@lru_cache(maxsize=1 << 16)  # texts repeat their words
def _tokens_of(piece: str) -> tuple[str, ...]:
    return (piece,) if len(piece) > _LONGEST_PIECE else tuple(_join_words(_cut_piece(piece)))


def _cut_piece(piece: str) -> list[str]:
    before: list[str] = []
    behind: list[str] = []
    while piece and cut_word(piece) is None:
        prefix = _prefix_length(piece)
        if prefix and cut_word(piece[prefix:]) is not None:
            before.append(piece[:prefix])
            piece = piece[prefix:]
            break
        suffix = _suffix_length(piece[prefix:])
        stem = piece[: len(piece) - suffix]
        if suffix and cut_word(stem) is not None:
            behind.append(piece[len(stem) :])
            piece = stem
            break
        if not prefix and not suffix:
            break
        if prefix:
            before.append(piece[:prefix])
        if suffix:
            behind.append(piece[len(stem) :])
        piece = stem[prefix:]
    return before + (cut_word(piece) or _cut_infixes(piece) if piece else []) + behind[::-1]


def _join_words(tokens: list[str]) -> list[str]:
    """Step 6: words of the table in place of the tokens that the rules made of them."""
    runs = [
        (start, end)
        for start in range(len(tokens))
        for end in range(start + 2, min(start + _MOST_TOKENS, len(tokens)) + 1)
        if cut_word("".join(tokens[start:end])) is not None
    ]
    chosen: dict[int, int] = {}
    for start, end in sorted(runs, key=lambda run: (run[0] - run[1], run[0])):
        if all(end <= first or last <= start for first, last in chosen.items()):
            chosen[start] = end
    joined: list[str] = []
    place = 0
    while place < len(tokens):
        end = chosen.get(place, place + 1)
        word = "".join(tokens[place:end])
        joined += cut_word(word) if place in chosen else [word]
        place = end
    return joined


def _prefix_length(piece: str) -> int:
    first = piece[0]
    if _is_sign(first) or first in _SIGNS or unicodedata.category(first) == "Sc":
        return 1
    if first == "+":
        return 0 if _is_digit(piece[1:2]) else 1
    for dollar in ("US$", "C$", "A$"):
        if piece.startswith(dollar):
            return len(dollar)
    return _dots(piece, 0)


def _suffix_length(piece: str) -> int:
    """Length of the longest suffix of a piece, which may be empty."""
    if not piece:
        return 0
    last = piece[-1]
    for length in (4, 3, 2, 1):
        if piece[-length:] in _UNITS and _is_digit(piece[-length - 1 : -length]):
            return length
    if piece[-2:] in ("'s", "'S", "’s", "’S", "……"):
        return 2
    if _is_sign(last) or last in "—–":
        return 1
    if last in "+" or unicodedata.category(last) == "Sc":
        return 1 if _is_digit(piece[-2:-1]) else 0
    if last != ".":
        return 0
    stem = piece.rstrip(".")
    if len(piece) - len(stem) >= 2:
        return len(piece) - len(stem)
    before = stem[-1:]
    ends = (
        _is_digit(before)
        or _is_lower(before)
        or before in _PUNCTUATION
        or before in _QUOTES
        or before in tuple("%²-+|")
        or (len(stem) >= 2 and _is_upper(before) and _is_upper(stem[-2]))
        or (len(stem) >= 2 and stem[-2] == "°" and before in "FfCcKk")
    )
    return 1 if ends else 0


def _cut_infixes(piece: str) -> list[str]:
    if _ADDRESS.fullmatch(piece):
        return [piece]
    tokens: list[str] = []
    start = place = 0
    while place < len(piece):
        length = _infix_length(piece, place)
        if length and place:
            if place > start:
                tokens.append(piece[start:place])
            tokens.append(piece[place : place + length])
            start = place + length
        place += length or 1
    return [*tokens, piece[start:]] if start < len(piece) else tokens


def _infix_length(piece: str, place: int) -> int:
    sign, before = piece[place], piece[place - 1 : place]
    if dots := _dots(piece, place):
        return dots
    if sign == "…" or unicodedata.category(sign) == "So":
        return 1
    after = piece[place + 1 : place + 2]
    if sign in "+-*^" and _is_digit(before) and (_is_digit(after) or after == "-"):
        return 1
    if sign == "." and (_is_lower(before) or before in _QUOTES) and (_is_upper(after) or after in _QUOTES):
        return 1
    if sign == ",":
        return 1 if before.isalpha() and after.isalpha() else 0
    if not (before.isalpha() or _is_digit(before)):
        return 0
    if sign in ":<>=/":
        return 1 if after.isalpha() else 0
    for hyphen in _HYPHENS:
        end = place + len(hyphen)
        if piece.startswith(hyphen, place) and piece[end : end + 1].isalpha():
            return len(hyphen)
    return 0


def _dots(piece: str, place: int) -> int:
    """How many dots follow one another from a place on, where that is two or more; else 0."""
    end = place
    while end < len(piece) and piece[end] == ".":
        end += 1
    return end - place if end - place >= 2 else 0


def _is_sign(char: str) -> bool:
    """Whether a character is one at both ends of a piece: punctuation, quote or symbol."""
    return char in _PUNCTUATION or char in _QUOTES or unicodedata.category(char) == "So"


# The functions below take one character, or none at the end of a piece.
def _is_digit(char: str) -> bool:
    return "0" <= char <= "9"


def _is_lower(char: str) -> bool:
    return char != "" and unicodedata.category(char) == "Ll"


def _is_upper(char: str) -> bool:
    return char != "" and unicodedata.category(char) == "Lu"
