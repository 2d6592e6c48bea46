"""A pack's words: the tokeniser it needs, the files of words and vectors, and what goes with them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from earshot_training.pack.errors import PackError
from earshot_training.vocabulary import TOKENISER, VECTORS_FILE, WORDS_FILE, Vocabulary

DTYPES = {"float16": "<f2", "float32": "<f4"}
LARGEST_VECTORS = 2**31 - 1  # bytes that the runtime can read at once
VECTORS_FILES = {"float16": VECTORS_FILE, "float32": "vocabulary.f32"}


@dataclass(frozen=True)
class PackVocabulary:
    """Names of the files a text is read with. `lemmas` and `spelling` are there for tokenisers that use them.

    With `empty_vector` a row follows those of the words: the vector of a text in which no word is known.
    """

    tokeniser: str = TOKENISER
    dtype: str = "float16"
    lemmas: str | None = None
    spelling: str | None = None
    empty_vector: bool = False

    @property
    def vectors(self) -> str:
        return VECTORS_FILES[self.dtype]

    @property
    def files(self) -> tuple[str, ...]:
        return WORDS_FILE, self.vectors, *filter(None, (self.lemmas, self.spelling))

    def shape(self, directory: Path) -> tuple[int, int]:
        """Number of words, and the width of a vector. Raises PackError where the files do not fit."""
        vocabulary = self.load(directory)
        return len(vocabulary), vocabulary.dim

    def entry(self, size: int) -> dict[str, Any]:
        """The vocabulary as an object of the manifest."""
        entry = {"words": WORDS_FILE, "vectors": self.vectors, "dtype": self.dtype, "size": size}
        extra = {"lemmas": self.lemmas, "spelling": self.spelling, "emptyVector": self.empty_vector}
        return entry | {name: value for name, value in extra.items() if value}

    @classmethod
    def of_manifest(cls, text_encoder: dict[str, Any]) -> "PackVocabulary":
        """From the object `textEncoder` of a manifest."""
        entry = text_encoder["vocabulary"]
        return cls(
            tokeniser=text_encoder["tokeniser"],
            dtype=entry["dtype"],
            lemmas=entry.get("lemmas"),
            spelling=entry.get("spelling"),
            empty_vector=entry.get("emptyVector", False),
        )

    def save(self, vocabulary: Vocabulary, directory: Path) -> None:
        """Writes words and vectors; the other files are for the caller to bring.

        Raises PackError where the vectors are more than the runtime can read.
        """
        rows = vocabulary.vectors
        size = (len(rows) + self.empty_vector) * vocabulary.dim * np.dtype(DTYPES[self.dtype]).itemsize
        if size > LARGEST_VECTORS:
            raise PackError(
                f"expected vectors of at most {LARGEST_VECTORS:,} bytes, found {size:,} for {len(rows):,}"
                f" words in {self.dtype}: take fewer words, or float16"
            )
        if self.empty_vector:
            rows = np.vstack([rows, vocabulary.empty_vector])
        (directory / WORDS_FILE).write_text("\n".join(vocabulary.words) + "\n", encoding="utf-8")
        rows.astype(DTYPES[self.dtype]).tofile(directory / self.vectors)

    def load(self, directory: Path) -> Vocabulary:
        """The words and vectors of a pack. Raises PackError where the files do not fit together."""
        words = (directory / WORDS_FILE).read_text(encoding="utf-8").split()
        numbers = np.fromfile(directory / self.vectors, DTYPES[self.dtype])
        rows = len(words) + self.empty_vector
        if not words or len(numbers) % rows:
            raise PackError(
                f"{self.vectors} in {directory} does not fit the {len(words)} words of {WORDS_FILE}"
            )
        vectors = numbers.reshape(rows, -1)
        empty = vectors[len(words)].astype(np.float32) if self.empty_vector else None
        return Vocabulary(words, vectors[: len(words)], empty)
