"""Word vectors in the formats of the word2vec program, such as GoogleNews-vectors-negative300 (reference
fact 5.4: 3 million words, 300 numbers each, 3.6 GB).

Binary: a line "N D", then N times the word's bytes, a space, D little-endian float32, and perhaps a newline.
Text: a line "N D", then N lines "word v1 ... vD". Either may be packed with gzip. Words come most frequent
first. A file is mapped into memory: opening it finds where each word's vector lies, and a vector is read when
it is asked for.
"""

import gzip
import hashlib
import mmap
import re
import shutil
import zlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np

from earshot_training.errors import MendableError
from earshot_training.places import cache_folder
from earshot_training.vocabulary import Vocabulary

# The stand-in for a text without a known word is the mean of this many words (reference fact 5.4).
EMPTY_VECTOR_WORDS = 50_000
LONGEST_WORD = 4096  # bytes; the program that writes such files cuts words at 100
LONGEST_HEADER = 64  # bytes


class Word2VecError(MendableError):
    """A file that is not what the word2vec program writes, or not all of it. The message names the file."""


def open_word2vec(path: str | Path, dim: int | None = None) -> "Word2Vec":
    """Opens a binary or text file of word vectors, packed with gzip or not; which it is, its content tells.

    A packed file is unpacked once, into the cache. Of a word that comes twice, the first vector counts.
    `dim`: the numbers a vector must have, where the caller needs a certain width.

    Raises Word2VecError for a file that is cut short, has no header "N D", has vectors of another width than
    the header or `dim` says, or goes on after its last word; FileNotFoundError where there is none.
    """
    path = Path(path)
    name = path.name
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        path = _unpacked(path)
    with path.open("rb") as file:
        header = file.readline(LONGEST_HEADER)
        count, found_dim = _read_header(header, name)
        if dim is not None and found_dim != dim:
            raise Word2VecError(f"{name} has vectors of {found_dim} numbers, expected {dim}")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    scan = _scan_text if _is_text(data, len(header), found_dim) else _scan_binary
    words, vectors = scan(data, len(header), count, found_dim, name)
    return Word2Vec(words, vectors)


class Word2Vec:
    """Words, most frequent first, and their vectors, which stay in the file: `vectors[row]` is float32 [dim],
    `vectors[rows]` is float32 [rows, dim]."""

    def __init__(self, words: Sequence[str], vectors: "MappedVectors"):
        self.words = words
        self.vectors = vectors

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of each word. The first of two equal words counts."""
        index: dict[str, int] = {}
        for row, word in enumerate(self.words):
            index.setdefault(word, row)
        return index

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

    @cached_property
    def empty_vector(self) -> np.ndarray:
        """What stands for a text in which no word is known [dim]: the mean of the first 50,000 words in the
        order of their code points (reference fact 5.4)."""
        first = sorted(self.index)[:EMPTY_VECTOR_WORDS]
        rows = [self.index[word] for word in first]
        return self.vectors[rows].mean(axis=0, dtype=np.float64).astype(np.float32)

    def vocabulary(self, words: Iterable[str] | None = None, most_frequent: int | None = None) -> Vocabulary:
        """The words of a list that the file holds, the N most frequent, or with both given all of these;
        every word with neither. In the order of the file.

        Words that hold white space are left out: no token can be one. Takes the file's `empty_vector` along.
        """
        if words is None:
            rows = range(len(self) if most_frequent is None else min(most_frequent, len(self)))
        else:
            chosen = {self.index[word] for word in set(words) if word in self.index}
            rows = sorted(chosen.union(range(min(most_frequent or 0, len(self)))))
        rows = [row for row in rows if self.index[self.words[row]] == row and _usable(self.words[row])]
        return Vocabulary([self.words[row] for row in rows], self.vectors[rows], self.empty_vector)


class MappedVectors:
    """Rows of vectors in a mapped file, each read when it is taken. `shape` is (rows, dim)."""

    def __init__(self, data: mmap.mmap, starts: Sequence[int], dim: int, name: str):
        self._data, self._starts, self._name = data, np.array(starts, np.int64), name
        self.shape = (len(starts), dim)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | slice | Sequence[int] | np.ndarray) -> np.ndarray:
        """One row [dim] or several [rows, dim], copied, float32. Raises Word2VecError where a number is not
        finite."""
        starts = np.asarray(self._starts[rows])
        out = np.empty((starts.size, self.shape[1]), np.float32)
        for place, start in enumerate(starts.ravel().tolist()):
            out[place] = self._read(start)
            if not np.isfinite(out[place]).all():
                row = int(np.searchsorted(self._starts, start))
                raise Word2VecError(f"{self._name}: the vector of word number {row + 1} is not finite")
        return out.reshape(*starts.shape, self.shape[1])

    def _read(self, start: int) -> np.ndarray:
        return np.frombuffer(self._data, "<f4", self.shape[1], start)


class _TextVectors(MappedVectors):
    def _read(self, start: int) -> np.ndarray:
        end = self._data.find(b"\n", start)
        line = self._data[start : end if end >= 0 else len(self._data)]
        try:
            return np.array(line.split(), np.float32)
        except ValueError as error:
            raise Word2VecError(f"{self._name}: {error}, at byte {start}") from error


def _scan_binary(
    data: mmap.mmap, position: int, count: int, dim: int, name: str
) -> tuple[list[str], MappedVectors]:
    """Words and vectors of a binary file, whose first word starts at `position`."""
    promise = f"{name}: the header says {count} words of {dim} numbers"
    width, end = 4 * dim, len(data)
    if position + count * (width + 2) > end:
        raise Word2VecError(
            f"{promise}, which need at least {position + count * (width + 2)} bytes, but the file has {end}: "
            "it is cut short, or the header is wrong"
        )
    words: list[str] = []
    starts: list[int] = []
    find = data.find
    for number in range(1, count + 1):
        while position < end and data[position] == 0x0A:
            position += 1
        space = find(b" ", position, position + LONGEST_WORD)
        if space < 0:
            what = f"has no end within {LONGEST_WORD} bytes" if position < end else "is missing"
            raise Word2VecError(
                f"{promise}, but word number {number} {what}: cut short, or not {dim} numbers"
            )
        start, word = space + 1, data[position:space]
        position = start + width
        if position > end:
            raise Word2VecError(
                f"{promise}, but the file ends after {number - 1}: it is cut short; fetch it again"
            )
        if b"\0" in word:
            raise Word2VecError(
                f"{promise}, but word number {number} is not text: vectors are not {dim} wide"
            )
        words.append(_decode(word))
        starts.append(start)
    if data[position : position + 16].strip(b"\n"):
        raise Word2VecError(f"{promise}, but {end - position} bytes follow the last one")
    return words, MappedVectors(data, starts, dim, name)


def _scan_text(
    data: mmap.mmap, position: int, count: int, dim: int, name: str
) -> tuple[list[str], MappedVectors]:
    """Words and vectors of a text file, whose first line starts at `position`."""
    promise = f"{name}: the header says {count} words of {dim} numbers"
    words: list[str] = []
    starts: list[int] = []
    data.seek(position)
    for number in range(1, count + 1):
        line = data.readline()
        word, _, numbers = line.partition(b" ")
        found = len(numbers.split())
        if not line.strip():
            raise Word2VecError(f"{promise}, but the file ends after {number - 1}: it is cut short")
        if found != dim:
            cut = ": it is cut short" if not line.endswith(b"\n") and found < dim else ""
            raise Word2VecError(f"{promise}, but word number {number} has {found}{cut}")
        words.append(_decode(word))
        starts.append(position + len(word) + 1)
        position += len(line)
    if data[position : position + 16].strip():
        raise Word2VecError(f"{promise}, but {len(data) - position} bytes follow the last one")
    return words, _TextVectors(data, starts, dim, name)


def _read_header(line: bytes, name: str) -> tuple[int, int]:
    match = re.fullmatch(rb"([1-9]\d*) ([1-9]\d*)\s*\n", line)
    if not match:
        raise Word2VecError(f'{name}: expected a first line "WORDS DIMENSIONS", found {line[:40]!r}')
    return int(match[1]), int(match[2])


def _is_text(data: mmap.mmap, position: int, dim: int) -> bool:
    """Whether the first line after the header is a word and numbers in writing."""
    end = data.find(b"\n", position, position + LONGEST_WORD + 40 * dim)
    fields = data[position : end if end >= 0 else position + 40 * dim].split()[1:]
    return bool(fields) and all(re.fullmatch(rb"[-+.0-9eEinfaNI]+", field) for field in fields)


def _decode(word: bytes) -> str:
    """UTF-8, else Latin-1, which takes every byte: one odd word must not cost the whole file."""
    try:
        return word.decode("utf-8")
    except UnicodeDecodeError:
        return word.decode("latin-1")


def _usable(word: str) -> bool:
    return word.split() == [word]


def _unpacked(packed: Path) -> Path:
    """A gzip file's content, as a file in the cache, made once for each place, size and time of change."""
    facts = packed.stat()
    key = hashlib.sha256(f"{packed.resolve()} {facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()
    folder = cache_folder("word2vec")
    target = folder / f"{packed.name.removesuffix('.gz')}.{key[:12]}"
    if target.exists():
        return target
    with NamedTemporaryFile(dir=folder, prefix=f"{packed.name}.", suffix=".partial", delete=False) as partial:
        try:
            with gzip.open(packed) as content:
                shutil.copyfileobj(content, partial, 1 << 22)
        except BaseException as error:  # Ctrl-C and a full disk, too: gigabytes would stay behind
            Path(partial.name).unlink()
            if isinstance(error, EOFError):
                raise Word2VecError(f"{packed.name} is cut short: its gzip data has no end") from error
            if isinstance(error, gzip.BadGzipFile | zlib.error):
                raise Word2VecError(f"{packed.name} cannot be unpacked: {error}") from error
            raise
    Path(partial.name).rename(target)
    return target
