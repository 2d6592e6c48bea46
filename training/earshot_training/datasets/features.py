"""Features of a data set: those of one expert, and the word vectors of the captions. Memory-mapped."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from earshot_training.datasets.arrays import read_array
from earshot_training.datasets.errors import DatasetError


class ExpertFeatures:
    """One expert's features of every clip. `availability` bool [clips]: False where the expert is missing."""

    def __init__(
        self, name: str, dim: int, features: np.ndarray, offsets: np.ndarray | None, available: np.ndarray
    ):
        self.name, self.dim, self.availability = name, dim, available
        self._features, self._offsets = features, offsets

    @property
    def aggregation(self) -> str:
        """ "sequence" (a clip is [tokens, dim]) or "average" (a clip is [dim])."""
        return "average" if self._offsets is None else "sequence"

    @property
    def dtype(self) -> np.dtype:
        return self._features.dtype

    def available(self, row: int) -> bool:
        """Whether the expert has features of a clip."""
        return bool(self.availability[row])

    def tokens(self, row: int) -> int:
        """Tokens of a clip; 1 for an average, 0 where the expert is missing."""
        if self._offsets is None:
            return int(self.availability[row])
        return int(self._offsets[row + 1] - self._offsets[row])

    def get(self, row: int) -> np.ndarray | None:
        """A clip's features, [tokens, dim] or [dim], or None where they are missing.

        Raises DatasetError where a number is NaN or infinite.
        """
        if not self.available(row):
            return None
        if self._offsets is None:
            features = self._features[row]
        else:
            features = self._features[self._offsets[row] : self._offsets[row + 1]]
        if not np.isfinite(features).all():
            raise DatasetError(f"{self.name} of clip number {row}: expected numbers, found NaN or infinity")
        return features


class WordFeatures:
    """Word vectors of every caption. `dim` is a vector's length."""

    def __init__(self, dim: int, features: np.ndarray, offsets: np.ndarray, first_caption: np.ndarray):
        self.dim, self._features, self._offsets, self._first_caption = dim, features, offsets, first_caption

    def get(self, row: int, caption: int) -> np.ndarray:
        """The vectors of one caption of a clip [words, dim]. Raises DatasetError where one is not finite."""
        number = self._first_caption[row] + caption
        if caption < 0 or number >= self._first_caption[row + 1]:
            raise IndexError(f"clip number {row} has no caption number {caption}")
        words = self._features[self._offsets[number] : self._offsets[number + 1]]
        if not np.isfinite(words).all():
            raise DatasetError(f"words of clip number {row}: expected numbers, found NaN or infinity")
        return words


def inside(folder: Path, name: str) -> Path:
    """A file of the data set; a name that leads out of its folder is refused."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DatasetError(f"{folder}: {name!r} lies outside the data set")
    return path


def _read_features(folder: Path, name: str, entry: Mapping[str, Any]) -> np.ndarray:
    path = inside(folder, entry["features"])
    features = read_array(path, "features")
    if features.dtype not in (np.dtype("<f2"), np.dtype("<f4")) or features.ndim != 2:
        raise DatasetError(
            f"{path}: expected a matrix of float32 or float16, "
            f"found {features.dtype} of shape {features.shape}"
        )
    if features.shape[1] != entry["dim"]:
        raise DatasetError(
            f"{path}: expected vectors of {entry['dim']} numbers ({name}), found {features.shape[1]}"
        )
    return features


def _read_offsets(folder: Path, entry: Mapping[str, Any], parts: int, rows: int, what: str) -> np.ndarray:
    path = inside(folder, entry["offsets"])
    offsets = np.array(read_array(path, "offsets"))
    if offsets.dtype != np.dtype("<i8") or offsets.shape != (parts + 1,):
        raise DatasetError(
            f"{path}: expected {parts + 1} int64 offsets, one more than there are {what}, "
            f"found {offsets.dtype} of shape {offsets.shape}"
        )
    if offsets[0] != 0 or (np.diff(offsets) < 0).any() or offsets[-1] != rows:
        raise DatasetError(
            f"{path}: expected offsets that rise from 0 to {rows}, the number of vectors, "
            f"found {offsets[0]} to {offsets[-1]}{'' if (np.diff(offsets) >= 0).all() else ', falling'}"
        )
    return offsets


def read_expert(folder: Path, name: str, entry: Mapping[str, Any], clips: int) -> ExpertFeatures:
    features = _read_features(folder, name, entry)
    if entry["aggregation"] == "sequence":
        offsets = _read_offsets(folder, entry, clips, len(features), "clips")
        return ExpertFeatures(name, entry["dim"], features, offsets, np.diff(offsets) > 0)
    if entry["aggregation"] != "average":
        raise DatasetError(
            f"{folder}: expected the aggregation of {name} to be sequence or average, "
            f"found {entry['aggregation']!r}"
        )
    path = inside(folder, entry["available"])
    available = np.array(read_array(path, "available"))
    if available.dtype != bool or available.shape != (clips,):
        raise DatasetError(
            f"{path}: expected {clips} truth values, one a clip, "
            f"found {available.dtype} of shape {available.shape}"
        )
    if len(features) != clips:
        raise DatasetError(
            f"{folder / entry['features']}: expected {clips} vectors, one a clip, found {len(features)}"
        )
    return ExpertFeatures(name, entry["dim"], features, None, available)


def read_words(folder: Path, entry: Mapping[str, Any], captions: Sequence[int]) -> WordFeatures:
    features = _read_features(folder, "words", entry)
    first_caption = np.concatenate([[0], np.cumsum(captions)]).astype(np.int64)
    offsets = _read_offsets(folder, entry, int(first_caption[-1]), len(features), "captions")
    return WordFeatures(entry["dim"], features, offsets, first_caption)
