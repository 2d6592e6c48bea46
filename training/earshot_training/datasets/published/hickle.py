"""Reads hickle files of versions 3 and 4: HDF5 files that hold a dict of arrays (reference fact 6.1).

hickle's own readers fail with current h5py, and load everything at once; here each clip is read when it is
asked for. Links that lead out of a file are refused.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from earshot_training.datasets.errors import DatasetError

LARGEST = 1 << 28  # numbers a clip's features may have, far beyond any real ones


class HickleFile:
    """A dict of arrays in a hickle file, key -> array, None for the float NaN. Use it in a `with` statement.

    Raises DatasetError where the file is missing, cut short or no hickle file of version 3 or 4.
    """

    def __init__(self, path: Path):
        self.path = path
        if not path.is_file():
            raise DatasetError(f"{path} is missing")
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise DatasetError(f"{path} is no whole HDF5 file: {error}") from None
        try:
            self._member, entries = self._find_entries()
            self._names = {_key(name, path): name for name in entries}
            self._entries = entries
        except DatasetError:
            self._file.close()
            raise
        except (OSError, RuntimeError, KeyError) as error:
            self._file.close()
            raise DatasetError(f"{path} is no whole HDF5 file: {error}") from None

    def _find_entries(self) -> tuple[str, h5py.Group]:
        """The name of an entry's data set, and the group of all entries."""
        attributes = self._file.attrs
        version = _text(attributes.get("HICKLE_VERSION", attributes.get("VERSION", "")))
        member = {"4": "data", "3": "data_0"}.get(version.split(".")[0])
        if member is None or (
            "HICKLE_VERSION" not in attributes and _text(attributes.get("CLASS")) != "hickle"
        ):
            raise DatasetError(
                f"{self.path}: expected a hickle file of version 3 or 4, found {version or 'none'}"
            )
        entries = _hard_link(self._file, member, self.path)
        if not isinstance(entries, h5py.Group) or "dict" not in _kind(entries):
            raise DatasetError(f"{self.path}: expected a dict, found {_kind(entries) or 'something else'}")
        return member, entries

    def __enter__(self) -> "HickleFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, key: str) -> bool:
        return key in self._names

    def get(self, key: str) -> np.ndarray | None:
        """One entry; None where it is NaN or not there. Raises DatasetError for anything but numbers."""
        name = self._names.get(key)
        if name is None:
            return None
        try:
            entry = _hard_link(self._entries, name, self.path)
            data = _hard_link(entry, self._member, self.path)
            return self._numbers(key, data)
        except (OSError, RuntimeError, KeyError, TypeError, AttributeError) as error:
            raise DatasetError(f"{self.path}: {key} cannot be read: {error}") from None

    def _numbers(self, key: str, data: Any) -> np.ndarray | None:
        if not isinstance(data, h5py.Dataset) or data.dtype.kind not in "fiu":
            raise DatasetError(
                f"{self.path}: expected numbers of {key}, found {getattr(data, 'dtype', 'a group')}"
            )
        if data.external or data.is_virtual:
            raise DatasetError(f"{self.path}: {key} lies in another file")
        if data.shape == ():
            if np.isnan(data[()]):
                return None
            raise DatasetError(f"{self.path}: expected an array or NaN for {key}, found {data[()]}")
        if data.size > LARGEST:
            raise DatasetError(f"{self.path}: {key} claims to have {data.size:,} numbers")
        return data[()]


def _text(value: Any) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


def _kind(group: h5py.Group) -> str:
    """What an HDF5 group says it is: version 4 in `base_type`, version 3 in `type`."""
    kind = group.attrs.get("base_type", group.attrs.get("type", ""))
    return _text(kind.flat[0] if isinstance(kind, np.ndarray) and kind.size else kind)


def _hard_link(group: h5py.Group, name: str, path: Path) -> Any:
    """A member of a group that lies in the same file."""
    link = group.get(name, getlink=True)
    if link is None:
        raise KeyError(f"{group.name} has no {name}")
    if not isinstance(link, h5py.HardLink):
        raise DatasetError(f"{path}: {name} is a link to somewhere else")
    return group[name]


def _key(name: str, path: Path) -> str:
    """A dict's key from its Python representation, such as 'abc' in quotes."""
    try:
        key = ast.literal_eval(name)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        key = None
    if isinstance(key, bytes):
        return key.decode("latin1")
    if not isinstance(key, str):
        raise DatasetError(f"{path}: expected a clip's id in quotes, found {name[:60]}")
    return key
