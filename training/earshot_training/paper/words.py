"""Word vectors of texts: for data sets that have none of their own, and for transcripts."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from earshot_training.datasets import Dataset
from earshot_training.datasets.view import TextWords
from earshot_training.paper.config import ConfigError
from earshot_training.text import Lemmas, Reader, Spelling
from earshot_training.text.sources import fetch_lemmas, fetch_spelling
from earshot_training.vocabulary import VECTORS_FILE, Vocabulary
from earshot_training.word2vec import open_word2vec


@dataclass(frozen=True)
class TextVectors:
    """How texts become word vectors.

    `vectors`: a text -> [words, dim]; where no word is known, what stands for such a text. `known`: the
    same of the known words only, [0, dim] where there is none. `origin`: what they come from, in words.
    """

    dim: int
    vectors: Callable[[str], np.ndarray]
    known: Callable[[str], np.ndarray]
    origin: str

    def of(self, dataset: Dataset) -> TextWords:
        """The word vectors of a data set's captions."""
        return TextWords(dataset, self.vectors, self.dim)


def add_words(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """The options that name word vectors."""
    words = parser.add_mutually_exclusive_group(required=required)
    words.add_argument(
        "--word2vec", type=Path, metavar="FILE", help="word vectors, binary or text, packed or not"
    )
    words.add_argument(
        "--vocabulary", type=Path, metavar="FOLDER", help="a model pack's vocabulary.txt and vocabulary.f16"
    )
    add_tables(parser.add_argument_group("tables for --word2vec"))


def add_tables(options: argparse._ArgumentGroup) -> None:
    """The options that name the tables with which words are found."""
    options.add_argument(
        "--lemmas", type=Path, metavar="FILE", help="lemmas.txt (default: WordNet's exceptions, by npm)"
    )
    options.add_argument(
        "--spelling", type=Path, metavar="FILE", help="spelling.txt (default: SymSpell's word list, by npm)"
    )
    options.add_argument("--no-tables", action="store_true", help="do without lemmas and spelling")


def read_tables(arguments: argparse.Namespace) -> tuple[Lemmas | None, Spelling | None]:
    """The tables that the options name; None for both where they are not wanted. Raises LemmaTableError,
    SpellingTableError, PackageError."""
    if arguments.no_tables:
        return None, None
    lemmas = Lemmas.read(arguments.lemmas) if arguments.lemmas else fetch_lemmas()
    return lemmas, Spelling.read(arguments.spelling) if arguments.spelling else fetch_spelling()


def text_vectors(arguments: argparse.Namespace) -> TextVectors | None:
    """The word vectors that the options name; None where they name none, and the data set's own count."""
    if arguments.word2vec is not None:
        return from_word2vec(arguments.word2vec, *read_tables(arguments))
    return from_vocabulary(arguments.vocabulary) if arguments.vocabulary is not None else None


def from_word2vec(path: Path, lemmas: Lemmas | None, spelling: Spelling | None) -> TextVectors:
    """Word vectors of a word2vec file, read as reference fact 5.4 says. Raises Word2VecError."""
    vectors = open_word2vec(path)
    reader = Reader(vectors, lemmas, spelling)

    def known(text: str) -> np.ndarray:
        words = [vectors.vector(word) for word in reader.read(text).words]
        return np.stack(words) if words else np.zeros((0, vectors.dim), np.float32)

    tables = "lemmas and spelling" if lemmas and spelling else "suffix rules only"
    return TextVectors(vectors.dim, reader.vectors, known, f"{path.name}, {len(vectors):,} words, {tables}")


def from_vocabulary(folder: Path) -> TextVectors:
    """Word vectors of a pack's vocabulary, tokenised as `simple-english-v1` says. A text without a known
    word has none. Raises ConfigError where the two files do not fit."""
    try:
        vocabulary = Vocabulary.load(folder)
    except ValueError as error:
        raise ConfigError(str(error)) from None

    def vectors(text: str) -> np.ndarray:
        return vocabulary.vectors[vocabulary.rows(text)]

    return TextVectors(vocabulary.dim, vectors, vectors, f"{VECTORS_FILE}, {len(vocabulary):,} words")
