"""One expert's published features: a hickle file, a pickled dict or a pickled `ExpertStore` (reference fact
6.1).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.published.hickle import HickleFile
from earshot_training.datasets.published.pickles import ExpertStore, read_pickle


class _Entries(Protocol):
    def get(self, key: str) -> Any: ...

    def __iter__(self) -> Iterator[str]: ...


class FeatureFile:
    """Features by clip id, each checked when it is read.

    A clip is missing where the file does not name it, where its value is the float NaN, where its array is
    NaN throughout (so marks an `ExpertStore` its gaps, and some dicts of vectors), or where it has no
    tokens.
    """

    def __init__(self, path: Path, entries: _Entries, aggregation: str, dim: int):
        self.path, self._entries, self.aggregation, self.dim = path, entries, aggregation, dim

    @property
    def ids(self) -> list[str]:
        return list(self._entries)

    def get(self, id: str) -> np.ndarray | None:
        """[tokens, dim] or [dim], or None. Raises DatasetError for another shape, or NaN in some places."""
        value = self._entries.get(id)
        if value is None or (
            np.ndim(value) == 0 and isinstance(value, float | np.floating) and np.isnan(value)
        ):
            return None
        features = np.asarray(value)
        if features.dtype.kind not in "fiu":
            raise DatasetError(f"{self.path}: expected numbers of {id}, found {features.dtype}")
        if self.aggregation == "average" and features.shape == (1, self.dim):
            features = features[0]
        wanted = (
            (self.dim,)
            if self.aggregation == "average"
            else (len(features) if features.ndim else 0, self.dim)
        )
        if features.shape != wanted:
            expected = str(self.dim) if self.aggregation == "average" else f"tokens x {self.dim}"
            found = " x ".join(map(str, features.shape)) or "one number"
            raise DatasetError(f"{self.path}: expected {expected} numbers of {id}, found {found}")
        numbers = np.isfinite(features)
        if numbers.all():
            return features if len(features) else None
        if np.isnan(features).all():
            return None
        raise DatasetError(
            f"{self.path}: expected numbers of {id}, or NaN throughout for a missing clip, "
            f"found {int((~numbers).sum())} of {numbers.size} that are NaN or infinite"
        )

    def half_precision(self) -> bool:
        """Whether all features are float16. Told of pickles alone, which are in memory."""
        if isinstance(self._entries, HickleFile):
            return False
        arrays = [value for id in self._entries if isinstance(value := self._entries.get(id), np.ndarray)]
        return bool(arrays) and all(array.dtype == np.float16 for array in arrays if array.ndim)


@contextmanager
def open_features(path: Path, aggregation: str, dim: int) -> Iterator[FeatureFile]:
    """Opens a file of features; what kind it is, its content tells. Pickles are held in memory as a whole.

    Raises DatasetError where it is missing, cut short, or of another kind.
    """
    if not path.is_file():
        raise DatasetError(f"{path} is missing")
    if h5py.is_hdf5(path):
        with HickleFile(path) as entries:
            yield FeatureFile(path, entries, aggregation, dim)
        return
    content = read_pickle(path)
    if isinstance(content, ExpertStore):
        content = StoreEntries(content, path)
    elif isinstance(content, dict):
        content = text_keys(content, path)
    else:
        raise DatasetError(f"{path}: expected a dict or an ExpertStore, found {type(content).__name__}")
    yield FeatureFile(path, content, aggregation, dim)


class StoreEntries:
    """The entries of an `ExpertStore`. Raises DatasetError where its parts do not fit together."""

    def __init__(self, store: ExpertStore, path: Path):
        fields = vars(store)
        array, keymap = fields.get("store"), fields.get("keymap")
        if not isinstance(array, np.ndarray) or array.ndim != 2 or not isinstance(keymap, Mapping):
            raise DatasetError(f"{path}: expected an ExpertStore with a matrix `store` and a dict `keymap`")
        dim = fields.get("dim", array.shape[1])
        if array.shape[1] != dim:
            raise DatasetError(
                f"{path}: expected vectors of {dim} numbers in the store, found {array.shape[1]}"
            )
        rows = text_keys(dict(keymap), path)
        wrong = [key for key, row in rows.items() if not isinstance(row, int) or not 0 <= row < len(array)]
        if wrong:
            raise DatasetError(
                f"{path}: expected a row below {len(array)} for {wrong[0]}, found {rows[wrong[0]]!r}"
            )
        self._store, self._rows = array, rows
        self._missing = {_as_text(key) for key in fields.get("missing") or ()}

    def get(self, key: str) -> np.ndarray | None:
        row = self._rows.get(key)
        return None if row is None or key in self._missing else self._store[row]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)


def text_keys(content: dict[Any, Any], path: Path) -> dict[str, Any]:
    """The same dict, its keys being texts. Raises DatasetError where one is neither text nor bytes."""
    for key in content:
        if not isinstance(key, str | bytes):
            raise DatasetError(f"{path}: expected clip ids as keys, found {key!r:.60}")
    return {_as_text(key): value for key, value in content.items()}


def _as_text(key: Any) -> str:
    return key.decode("latin1") if isinstance(key, bytes) else str(key)
