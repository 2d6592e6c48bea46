"""The words a model pack knows: the tokeniser `simple-english-v1`, and word vectors with look-up and
neighbours.

A vocabulary is two files: `vocabulary.txt`, one word a line, the most frequent first, and `vocabulary.f16`,
row i of which is the vector of line i (IEEE half precision, little-endian, row-major). `word_vectors.py`
builds them. The runtime (src/encoding) tokenises in the same way; tests/tokeniser_cases.json holds both to
the same cases.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TOKENISER = "simple-english-v1"
WORDS_FILE, VECTORS_FILE = "vocabulary.txt", "vocabulary.f16"

_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u02bc", "'"))
_TOKEN = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


def tokenise(text: str) -> list[str]:
    """The tokens of a text: NFKC, straight apostrophes, lower case, no accents; all other characters
    separate.

    "The dog's café-bar" -> ["the", "dog's", "cafe", "bar"].
    """
    text = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower()
    text = "".join(
        c for c in unicodedata.normalize("NFD", text) if not unicodedata.category(c).startswith("M")
    )
    return _TOKEN.findall(text)


def split_contraction(token: str) -> tuple[str, str] | None:
    """The halves of a contraction, as word vectors have them: "don't" -> ("do", "n't"). Else None."""
    if token.endswith("n't"):
        return token[:-3], "n't"
    stem, apostrophe, ending = token.partition("'")
    return (stem, apostrophe + ending) if apostrophe else None


@dataclass(frozen=True)
class Words:
    """A text as a vocabulary sees it: rows of the known words in order, and the tokens it has no word for."""

    rows: list[int]
    unknown: list[str]


class Vocabulary:
    """Words and their vectors. `vectors` is float32 [size, dim]; `index` maps a word to its row.

    `empty_vector` [dim], where there is one, stands for a text in which no word is known (reference
    fact 5.4).
    """

    def __init__(self, words: Sequence[str], vectors: np.ndarray, empty_vector: np.ndarray | None = None):
        if len(words) != len(vectors):
            raise ValueError(f"a vocabulary of {len(words)} words needs as many vectors, not {len(vectors)}")
        self.words = list(words)
        self.vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        self.index = {word: row for row, word in enumerate(self.words)}
        self.empty_vector = empty_vector
        self._directions: np.ndarray | None = None  # unit vectors, made when neighbours are first asked for
        self._neighbours: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    @classmethod
    def load(cls, directory: str | Path) -> "Vocabulary":
        """Reads `vocabulary.txt` and `vocabulary.f16` from a folder, such as a model pack's."""
        words = (Path(directory) / WORDS_FILE).read_text(encoding="utf-8").split()
        vectors = np.fromfile(Path(directory) / VECTORS_FILE, dtype="<f2")
        if not words or len(vectors) % len(words):
            raise ValueError(
                f"{VECTORS_FILE} in {directory} does not fit the {len(words)} words of {WORDS_FILE}"
            )
        return cls(words, vectors.reshape(len(words), -1))

    def save(self, directory: str | Path) -> None:
        """Writes the two files; vectors are rounded to half precision."""
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / WORDS_FILE).write_text("\n".join(self.words) + "\n", encoding="utf-8")
        self.vectors.astype("<f2").tofile(directory / VECTORS_FILE)

    @property
    def dim(self) -> int:
        return self.vectors.shape[1]

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self.index

    def vector(self, word: str) -> np.ndarray:
        """The word's vector [dim]. Raises KeyError for an unknown word."""
        return self.vectors[self.index[word]]

    def look_up(self, token: str) -> list[int]:
        """Rows of one token: itself, else without a possessive 's, else known halves of its contraction."""
        if token in self.index:
            return [self.index[token]]
        if token.endswith("'s") and token[:-2] in self.index:
            return [self.index[token[:-2]]]
        return [self.index[part] for part in split_contraction(token) or () if part in self.index]

    def read(self, text: str) -> Words:
        """Known rows and unknown tokens of a text, both in its order."""
        rows: list[int] = []
        unknown: list[str] = []
        for token in tokenise(text):
            found = self.look_up(token)
            rows += found
            if not found:
                unknown.append(token)
        return Words(rows, unknown)

    def rows(self, text: str) -> list[int]:
        """Rows of the known words of a text, in its order."""
        return self.read(text).rows

    def embed(self, texts: Sequence[str], limit: int) -> np.ndarray:
        """The text encoder's input [texts, limit, dim]: words beyond `limit` are cut, zeros fill the rest."""
        out = np.zeros((len(texts), limit, self.dim), np.float32)
        for row, text in enumerate(texts):
            known = self.rows(text)[:limit]
            out[row, : len(known)] = self.vectors[known]
        return out

    def nearest(self, row: int, count: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The `count` nearest other words by cosine: their rows and cosines, nearest first."""
        known = self._neighbours.get(row)
        if known is None or len(known[0]) < count:
            if self._directions is None:
                lengths = np.linalg.norm(self.vectors, axis=1, keepdims=True)
                self._directions = self.vectors / np.maximum(lengths, 1e-12)
            cosines = self._directions @ self._directions[row]
            cosines[row] = -np.inf
            count = min(count, len(self) - 1)
            best = np.argpartition(-cosines, count - 1)[:count]
            best = best[np.argsort(-cosines[best], kind="stable")]
            known = self._neighbours[row] = best, cosines[best]
        return known[0][:count], known[1][:count]

    def random_neighbour(
        self, row: int, rng: np.random.Generator, count: int = 8, least_cosine: float = 0.6
    ) -> int:
        """A word drawn from the nearest `count` that are no farther than `least_cosine`; the word itself if
        none is."""
        rows, cosines = self.nearest(row, count)
        near = rows[cosines >= least_cosine]
        return int(near[rng.integers(len(near))]) if len(near) else row
