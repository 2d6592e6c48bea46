"""Suggestions for misspelled words, in the order in which SymSpell gives them.

What SymSpell 6.7 answers for verbosity CLOSEST, a greatest distance of 2 and a prefix length of 7 (reference
fact 5.4): the word itself if it is in the list; else all words of the list at the smallest distance that any
has, the more frequent first. Distance is the optimal string alignment: insertions, deletions, substitutions,
and swaps of neighbours, none edited twice. Case counts.

Words of equal count come in the order in which SymSpell meets them, see `_meetings`. The search itself is
another one: a walk over the sorted list that keeps the rows of the distance table for the prefix it shares
with the word before, and leaves out every word that begins with a prefix already too far. It needs no index
of deletions, which for the list of 82,765 words would hold two million.

src/encoding/word2vec-english/spelling.ts is its twin. The file of a model pack, `spelling.txt`, has a line
"word count" for each word, in the list's own order.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from earshot_training.errors import MendableError

GREATEST_DISTANCE = 2
PREFIX_LENGTH = 7
_FAR = GREATEST_DISTANCE + 1


class SpellingTableError(MendableError):
    """A list with a line that is no "word count", or with a word twice. The message names the line."""


class Spelling:
    """A list of words with their counts in a large corpus."""

    def __init__(self, entries: Iterable[tuple[str, int]]):
        self.counts = dict(entries)
        self._rows = {word: row for row, word in enumerate(self.counts)}
        self._sorted = sorted(self.counts)
        self._shared = [0, *map(_shared_prefix, self._sorted, self._sorted[1:])]
        self._longest = max(map(len, self._sorted), default=0)

    @classmethod
    def read(cls, path: str | Path) -> "Spelling":
        """Reads `spelling.txt`. Raises SpellingTableError for a line of another form."""
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise SpellingTableError(f"{path} is no list in UTF-8: {error}") from None
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, name: str) -> "Spelling":
        """The list a file's text holds; `name` is for the messages of errors."""
        entries: dict[str, int] = {}
        for number, line in enumerate(text.splitlines(), 1):
            word, _, count = line.partition(" ")
            if not word or not (count.isascii() and count.isdigit()) or word in entries:
                expected = 'a new word and its count, "word count"'
                raise SpellingTableError(f"{name}, line {number}: expected {expected}, found {line[:60]!r}")
            entries[word] = int(count)
        return cls(entries.items())

    def write(self, path: str | Path) -> None:
        """Writes `spelling.txt`."""
        text = "".join(f"{word} {count}\n" for word, count in self.counts.items())
        Path(path).write_text(text, encoding="utf-8")

    def suggestions(self, token: str) -> list[str]:
        """The words of the list nearest to a token, the best first; none if all are farther than 2 edits."""
        if token in self.counts:
            return [token]
        found = sorted(self._closest(token), key=lambda word: (-self.counts[word], self._rows[word]))
        ties = Counter(self.counts[word] for word in found)
        if all(number == 1 for number in ties.values()):
            return found
        met = _meetings(token)
        return sorted(
            found, key=lambda word: (-self.counts[word], met(word) if ties[self.counts[word]] > 1 else 0)
        )

    def _closest(self, token: str) -> list[str]:
        """All words at the smallest distance, if that is at most 2."""
        length = len(token)
        rows = [[_FAR] * (length + 1) for _ in range(self._longest + 1)]
        rows[0] = list(range(length + 1))
        least = [0] * (self._longest + 1)  # smallest number of each row
        limit, found, place, words = GREATEST_DISTANCE, [], 0, self._sorted
        while place < len(words):
            word = words[place]
            known, stop = self._shared[place], 0
            place += 1
            for depth in range(known + 1, len(word) + 1):
                least[depth] = _fill_row(rows, depth, word, token)
                # The row after next can come from this one, or by a swap from the one before.
                if least[depth] > limit and least[depth - 1] >= limit:
                    stop = depth
                    break
            if stop:
                while place < len(words) and self._shared[place] >= stop:
                    place += 1
            elif (distance := rows[len(word)][length]) <= limit:
                if distance < limit:
                    limit, found = distance, []
                found.append(word)
        return found


def _fill_row(rows: list[list[int]], depth: int, word: str, token: str) -> int:
    """Row `depth` of the table: distances of word[:depth] to each token[:column] that can be at most 2.

    Returns the smallest.
    """
    row, above, letter = rows[depth], rows[depth - 1], word[depth - 1]
    row[0] = min(depth, _FAR)
    least = row[0]
    for column in range(max(1, depth - GREATEST_DISTANCE), min(len(token), depth + GREATEST_DISTANCE) + 1):
        if token[column - 1] == letter:
            value = above[column - 1]
        else:
            value = 1 + min(above[column - 1], above[column], row[column - 1])
            if (
                column > 1
                and depth > 1
                and token[column - 2] == letter
                and token[column - 1] == word[depth - 2]
            ):
                value = min(value, 1 + rows[depth - 2][column - 2])
        row[column] = min(value, _FAR)
        least = min(least, value)
    return least


def _meetings(token: str) -> Callable[[str], int]:
    """A function from a word to the number of the look-up at which SymSpell meets it.

    SymSpell looks up the token's first 7 letters, then these with one letter deleted, from the front to the
    back, then with two. It meets a word that has this string among the deletions of its own first 7 letters;
    but where both have lost two letters, only if the ends behind the prefix agree as they must then.
    """
    looked_up = [token[:PREFIX_LENGTH]]
    for candidate in looked_up:
        if len(looked_up[0]) - len(candidate) < GREATEST_DISTANCE:
            for cut in range(len(candidate)):
                shorter = candidate[:cut] + candidate[cut + 1 :]
                if shorter not in looked_up:
                    looked_up.append(shorter)

    def meeting(word: str) -> int:
        for number, candidate in enumerate(looked_up):
            if _is_deletion(candidate, word[:PREFIX_LENGTH]) and (
                len(candidate) != PREFIX_LENGTH - GREATEST_DISTANCE or _ends_agree(token, word)
            ):
                return number
        return len(looked_up)

    return meeting


def _is_deletion(shorter: str, longer: str) -> bool:
    """Whether deleting at most 2 letters of the longer string gives the shorter one."""
    letters = iter(longer)
    return len(longer) - len(shorter) <= GREATEST_DISTANCE and all(letter in letters for letter in shorter)


def _ends_agree(token: str, word: str) -> bool:
    """SymSpell's check of what lies behind the prefixes when both edits are spent in them."""
    behind = min(len(token), len(word)) - PREFIX_LENGTH
    if behind > 1 and token[len(token) + 1 - behind :] != word[len(word) + 1 - behind :]:
        return False
    if behind <= 0:
        return True
    mine, other = token[-behind], word[-behind]
    return mine == other or (token[-behind - 1] == other and mine == word[-behind - 1])


def _shared_prefix(one: str, other: str) -> int:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length
