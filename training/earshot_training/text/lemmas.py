"""Base forms of English words: a table of exceptions, else suffix rules in the manner of WordNet's morphy.

src/encoding/word2vec-english/lemmas.ts is its twin. The file of a model pack, `lemmas.txt`, has a line
"form<TAB>lemma" for each exception, in lower case; a form may have several lines, the likelier first.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from earshot_training.errors import MendableError

# What the halves of contractions stand for; "ta" is of "gotta".
_HALVES = {
    "n't": "not", "nt": "not", "'ll": "will", "'ve": "have", "'re": "be", "'m": "be", "'d": "would",
    "ca": "can", "wo": "will", "sha": "shall", "gon": "go", "na": "to", "ta": "to", "c'm": "come",
    "y'": "you",
}  # fmt: skip

# Endings of inflected forms and of their base: nouns, then verbs, then adjectives.
_RULES = (
    ("ches", "ch"), ("shes", "sh"), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ies", "y"), ("men", "man"),
    ("s", ""),
    ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", ""),
    ("er", ""), ("est", ""), ("er", "e"), ("est", "e"),
)  # fmt: skip
_SHORTEST_BASE = 2  # letters


class LemmaTableError(MendableError):
    """A file of lemmas with a line that is no "form<TAB>lemma". The message names the line."""


class Lemmas:
    """The base forms a word may have. Without a table only the rules are used."""

    def __init__(self, exceptions: Mapping[str, Sequence[str]] | None = None):
        self.exceptions = dict(exceptions or {})

    @classmethod
    def read(cls, path: str | Path) -> "Lemmas":
        """Reads `lemmas.txt`. Raises LemmaTableError for a line of another form."""
        exceptions: dict[str, list[str]] = {}
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise LemmaTableError(f"{path} is no table in UTF-8: {error}") from None
        for number, line in enumerate(lines, 1):
            form, tab, lemma = line.partition("\t")
            if not form or not tab or not lemma or "\t" in lemma:
                raise LemmaTableError(
                    f'{path}, line {number}: expected "form<TAB>lemma", found {line[:60]!r}'
                )
            exceptions.setdefault(form, []).append(lemma)
        return cls(exceptions)

    def write(self, path: str | Path) -> None:
        """Writes `lemmas.txt`."""
        lines = [f"{form}\t{lemma}\n" for form, lemmas in self.exceptions.items() for lemma in lemmas]
        Path(path).write_text("".join(lines), encoding="utf-8")

    def of(self, token: str, rows: Mapping[str, int]) -> str | None:
        """The lemma of a token among the words of a vocabulary, or None.

        In lower case: the first exception that is in the vocabulary; else, of what the suffix rules make of
        it, the word that comes first in the vocabulary, which is the most frequent; else the token itself.
        """
        form = token.lower().replace("’", "'")
        listed = (*self.exceptions.get(form, ()), *([_HALVES[form]] if form in _HALVES else ()))
        for lemma in listed:
            if lemma in rows:
                return lemma
        known = [base for base in suffix_bases(form) if base in rows]
        if known:
            return min(known, key=rows.__getitem__)
        return form if form in rows else None


def suffix_bases(form: str) -> Iterable[str]:
    """What an inflected form may come from by its ending: "glasses" -> glass, glasse. Words in -ss have none
    for the -s."""
    for ending, replacement in _RULES:
        if form.endswith(ending) and not (ending == "s" and form.endswith("ss")):
            base = form[: -len(ending)] + replacement
            if len(base) >= _SHORTEST_BASE:
                yield base
