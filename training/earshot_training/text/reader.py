"""From a sentence to the vectors of its words (reference fact 5.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from earshot_training.text.lemmas import Lemmas
from earshot_training.text.spelling import Spelling
from earshot_training.text.word2vec_english import tokenise

# The one word that the reference takes apart by hand.
HAND_MADE_SPLITS = {"roundtable": ("round", "table")}


class WordVectors(Protocol):
    """Words with vectors, the most frequent first: a `Vocabulary` or a whole `Word2Vec` file."""

    index: Mapping[str, int]
    empty_vector: np.ndarray | None

    @property
    def dim(self) -> int: ...

    def vector(self, word: str) -> np.ndarray: ...


@dataclass(frozen=True)
class Reading:
    """A text as a reader sees it."""

    tokens: list[str]
    words: list[str]  # of the vocabulary, in the text's order
    unknown: list[str]  # tokens with a letter or digit that no word stands for, in order


class Reader:
    """Reads text with the tokeniser "word2vec-english-v1".

    A token becomes, by the first of these that gives a word of the vocabulary: itself, case kept; its lemma;
    the hand-made split; the first known of its spelling suggestions. Else it is dropped. Without `spelling`
    nothing is suggested; without `lemmas` only the suffix rules are used.
    """

    def __init__(self, vectors: WordVectors, lemmas: Lemmas | None = None, spelling: Spelling | None = None):
        self.word_vectors = vectors
        self.lemmas = lemmas or Lemmas()
        self.spelling = spelling
        self._found: dict[str, tuple[str, ...]] = {}

    def look_up(self, token: str) -> tuple[str, ...]:
        """The words of the vocabulary that stand for a token; none where it is dropped."""
        found = self._found.get(token)
        if found is None:
            found = self._found[token] = self._look_up(token)
        return found

    def read(self, text: str) -> Reading:
        """The known words of a text and its unknown tokens."""
        tokens = tokenise(text)
        words = [word for token in tokens for word in self.look_up(token)]
        unknown = [token for token in tokens if not self.look_up(token) and any(map(str.isalnum, token))]
        return Reading(tokens, words, unknown)

    def vectors(self, text: str) -> np.ndarray:
        """The vectors of a text's words, float32 [words, dim]; of a text without a known word the one vector
        that stands for it, [1, dim].

        Raises ValueError for such a text where the vocabulary has no such vector.
        """
        words = self.read(text).words
        if words:
            return np.stack([self.word_vectors.vector(word) for word in words]).astype(np.float32, copy=False)
        if self.word_vectors.empty_vector is None:
            raise ValueError(
                f"no word of {text!r} is known, and the vocabulary has no vector that stands for it"
            )
        return self.word_vectors.empty_vector[None].astype(np.float32, copy=False)

    def _look_up(self, token: str) -> tuple[str, ...]:
        rows = self.word_vectors.index
        if token in rows:
            return (token,)
        lemma = self.lemmas.of(token, rows)
        if lemma is not None:
            return (lemma,)
        split = tuple(part for part in HAND_MADE_SPLITS.get(token, ()) if part in rows)
        if split:
            return split
        suggestions = self.spelling.suggestions(token) if self.spelling else ()
        return next(((word,) for word in suggestions if word in rows), ())
