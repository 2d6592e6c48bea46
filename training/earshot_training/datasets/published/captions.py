"""The published captions: token lists and word vectors of each clip (reference fact 6.1)."""

from pathlib import Path
from typing import Any

import numpy as np

from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.published.feature_file import text_keys
from earshot_training.datasets.published.pickles import read_pickle

WORD_DIM = 300


def read_captions(path: Path) -> dict[str, list[list[str]]]:
    """Clip id -> its captions, each a list of tokens (a caption that is one text is split at spaces)."""
    content = read_pickle(path)
    if not isinstance(content, dict):
        raise DatasetError(f"{path}: expected a dict of captions, found {type(content).__name__}")
    return {id: [_tokens(caption, id, path) for caption in _list(captions, id, path)]
            for id, captions in text_keys(content, path).items()}  # fmt: skip


def _list(captions: Any, id: str, path: Path) -> list[Any]:
    if isinstance(captions, str):
        return [captions]
    if not isinstance(captions, list | tuple):
        raise DatasetError(f"{path}: expected a list of captions of {id}, found {type(captions).__name__}")
    return list(captions)


def _tokens(caption: Any, id: str, path: Path) -> list[str]:
    if isinstance(caption, str):
        return caption.split()
    if not isinstance(caption, list | tuple) or not all(isinstance(token, str) for token in caption):
        raise DatasetError(f"{path}: expected a caption of {id} as a list of tokens, found {caption!r:.60}")
    return list(caption)


def read_word_vectors(path: Path, dim: int = WORD_DIM) -> dict[str, list[np.ndarray]]:
    """Clip id -> the word vectors [words, dim] of each caption. Raises DatasetError for NaN, too."""
    content = read_pickle(path)
    if not isinstance(content, dict):
        raise DatasetError(f"{path}: expected a dict of word vectors, found {type(content).__name__}")
    return {id: [_vectors(caption, dim, id, path) for caption in _list(captions, id, path)]
            for id, captions in text_keys(content, path).items()}  # fmt: skip


def _vectors(caption: Any, dim: int, id: str, path: Path) -> np.ndarray:
    vectors = np.asarray(caption) if isinstance(caption, np.ndarray) else np.zeros(0)
    if vectors.ndim != 2 or vectors.shape[1] != dim or vectors.dtype.kind != "f":
        found = (
            " x ".join(map(str, vectors.shape)) if isinstance(caption, np.ndarray) else type(caption).__name__
        )
        raise DatasetError(f"{path}: expected words x {dim} numbers of each caption of {id}, found {found}")
    if not np.isfinite(vectors).all():
        raise DatasetError(f"{path}: expected numbers in the word vectors of {id}, found NaN or infinity")
    return vectors
