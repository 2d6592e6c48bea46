"""The words of an imported pack: part of a word2vec file, as its model's texts were read in training."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earshot_training.checkpoint_import.errors import UnknownSettingError
from earshot_training.pack import PackVocabulary
from earshot_training.text import WORD2VEC_ENGLISH, Lemmas, Reader, Spelling
from earshot_training.text.word2vec_english import tokenise
from earshot_training.word2vec import Word2Vec, open_word2vec
from earshot_training.word_vectors import read_texts

LEMMAS_FILE, SPELLING_FILE = "lemmas.txt", "spelling.txt"
MOST_FREQUENT = 100_000  # words, unless lists or another number are given


@dataclass(frozen=True)
class WordChoice:
    """Which words to take from a word2vec file: all words of some lists or captions, the most frequent ones,
    or both. `dtype` as in a manifest: "float32" keeps vectors as they are, "float16" takes half the space.

    `lemmas` and `spelling` lead from other forms and misspellings to a word; without them only suffix rules
    do.
    """

    source: Path
    lists: tuple[Path, ...] = ()
    most_frequent: int | None = None
    dtype: str = "float32"
    lemmas: Lemmas | None = None
    spelling: Spelling | None = None

    @property
    def description(self) -> PackVocabulary:
        return PackVocabulary(
            WORD2VEC_ENGLISH,
            self.dtype,
            lemmas=LEMMAS_FILE if self.lemmas else None,
            spelling=SPELLING_FILE if self.spelling else None,
            empty_vector=True,
        )

    def write(self, folder: Path, dim: int) -> int:
        """Writes a pack's files of words; returns their number. Vectors must have `dim` numbers.

        Raises Word2VecError for a file that is damaged or of another width, UnknownSettingError where no word
        is left.
        """
        file = open_word2vec(self.source, dim)
        words = self._listed(file) if self.lists else None
        vocabulary = file.vocabulary(words, self.most_frequent or (None if self.lists else MOST_FREQUENT))
        if not len(vocabulary):
            raise UnknownSettingError(
                f"expected {self.source} to hold words of {', '.join(map(str, self.lists))}, found none there"
            )
        self.description.save(vocabulary, folder)
        if self.lemmas:
            self.lemmas.write(folder / LEMMAS_FILE)
        if self.spelling:
            self.spelling.write(folder / SPELLING_FILE)
        return len(vocabulary)

    def _listed(self, file: Word2Vec) -> set[str]:
        """The words of the lists as written, and those that a reader finds for them in the whole file: with
        these a pack reads every text of the lists as the whole file does."""
        texts = [text for path in self.lists for text in _texts(path)]
        reader = Reader(file, self.lemmas, self.spelling)
        return spellings(texts).union(*(reader.read(text).words for text in texts))

    def provenance(self, size: int) -> dict[str, Any]:
        return {
            "file": self.source.name,
            "words": size,
            "lists": [path.name for path in self.lists],
            "mostFrequent": self.most_frequent or (None if self.lists else MOST_FREQUENT),
        }


def _texts(path: Path) -> list[str]:
    try:
        return read_texts(path)
    except (ValueError, KeyError, TypeError) as error:
        raise UnknownSettingError(
            f"{path}: expected a list of words or texts (CSV, JSON or text), found something else ({error})"
        ) from None


def spellings(texts: Iterable[str]) -> set[str]:
    """Every token of the texts as written, in small letters and capitalised: a query may begin with it."""
    tokens = {token for text in texts for token in (*tokenise(text), *text.split())}
    return tokens | {token.lower() for token in tokens} | {token.capitalize() for token in tokens}
