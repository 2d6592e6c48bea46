"""Reads the pickles of the published archives without running anything they contain (reference fact 6.1).

A pickle may call any function it names. Here it can name NumPy's array reconstruction, plain containers and
the class `ExpertStore`; each of these is a stand-in that checks what it is handed. Every other name is
refused.
"""

import codecs
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from earshot_training.datasets.errors import DatasetError

_PLAIN = re.compile(r"[<>|=]?(?:b1|[iu][1248]|f[248]|[SU]\d{1,6})|bool|u?int(?:8|16|32|64)|float(?:16|32|64)")


class ExpertStore:
    """An array-backed mapping: `keys` (list), `dim`, `store_dtype`, `store` [n, dim], `keymap` (key -> row)
    and `missing` (a set of keys). Only holds what the pickle says; `feature_file` checks and reads it.
    """

    # Also keeps a pickle from setting attributes of the class itself: pickle looks for this method first.
    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
            raise pickle.UnpicklingError("an ExpertStore whose state is no dict")
        vars(self).update(state)


class _Function:
    """A function that a pickle may call and, unlike a plain one, not set attributes of."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]):
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it changes a function")


class _Name:
    """Stands for a class that a pickle may name and not call."""

    def __init__(self, name: str):
        self.name = name

    def __reduce__(self) -> Any:
        raise TypeError("a name is not data")


_NDARRAY, _OBJECT = _Name("numpy.ndarray"), _Name("builtins.object")


class _DataType:
    """NumPy's dtype: plain numbers and strings only."""

    def __init__(self, code: str, *flags: Any):
        if not isinstance(code, str) or not _PLAIN.fullmatch(code):
            raise pickle.UnpicklingError(f"an array of type {str(code)[:40]!r}, expected plain numbers")
        self.kind = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        # (version, byte order, ...): the rest describes structured and string types, which the code tells.
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError("a data type without byte order")
        self.kind = self.kind.newbyteorder(state[1])


class _Array(np.ndarray):
    """An array whose content is checked before it is taken over."""

    def __setstate__(self, state: Any) -> None:
        # (version, shape, dtype, column-major?, bytes); the version is left out in very old files.
        shape, kind, fortran, data = state[-4:]
        if isinstance(data, str):
            data = data.encode("latin1")  # Python 2's bytes
        _check_content(shape, kind, data)
        super().__setstate__((1, tuple(shape), kind.kind, bool(fortran), data))


def _check_content(shape: Any, kind: Any, data: Any) -> None:
    if not isinstance(kind, _DataType) or not isinstance(data, bytes | bytearray | memoryview):
        raise pickle.UnpicklingError("an array that is not made of plain numbers")
    sizes = tuple(shape)
    if not all(type(size) is int and 0 <= size < 1 << 48 for size in sizes):
        raise pickle.UnpicklingError(f"an array of shape {sizes}")
    expected = kind.kind.itemsize
    for size in sizes:
        expected *= size
    if len(data) != expected:
        raise pickle.UnpicklingError(f"an array of shape {sizes} with {len(data)} bytes, expected {expected}")


def _reconstruct(kind: Any, shape: Any, code: Any) -> _Array:
    if kind is not _NDARRAY:
        raise pickle.UnpicklingError("an array of a class other than numpy.ndarray")
    return np.ndarray.__new__(_Array, (0,), "b")


def _frombuffer(data: Any, kind: Any, shape: Any, order: Any) -> np.ndarray:
    _check_content(shape, kind, data)
    return np.frombuffer(data, kind.kind).reshape(shape, order="F" if order == "F" else "C")


def _scalar(kind: Any, data: Any = b"") -> Any:
    if isinstance(data, str):
        data = data.encode("latin1")
    _check_content((), kind, data)
    return np.frombuffer(data, kind.kind)[0]


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    """How Python 2's protocol spells bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"bytes in the encoding {encoding!r}")
    return codecs.encode(text, "latin1")


def _reconstructor(kind: Any, base: Any, state: Any) -> ExpertStore:
    """How old protocols make an object."""
    if kind is not ExpertStore or base is not _OBJECT or state is not None:
        raise pickle.UnpicklingError("an object other than an ExpertStore")
    return ExpertStore()


def _no_bytes() -> bytes:
    """How old protocols make bytes of length 0."""
    return b""


def _plain_container(kind: type) -> _Function:
    return _Function(lambda items=(): kind(items))


_NAMES: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _DataType,
    ("_codecs", "encode"): _Function(_encode),
    ("collections", "OrderedDict"): OrderedDict,
    ("copy_reg", "_reconstructor"): _Function(_reconstructor),
    ("copyreg", "_reconstructor"): _Function(_reconstructor),
    ("datastructures", "ExpertStore"): ExpertStore,
    ("zsvision.zs_data_structures", "ExpertStore"): ExpertStore,
}
for _module in ("numpy.core", "numpy._core"):
    _NAMES[f"{_module}.multiarray", "_reconstruct"] = _Function(_reconstruct)
    _NAMES[f"{_module}.multiarray", "scalar"] = _Function(_scalar)
    _NAMES[f"{_module}.numeric", "_frombuffer"] = _Function(_frombuffer)
for _module in ("builtins", "__builtin__"):
    _NAMES[_module, "object"] = _OBJECT
    _NAMES[_module, "bytes"] = _Function(_no_bytes)
    for _kind in (set, frozenset, list, dict, tuple):
        _NAMES[_module, _kind.__name__] = _plain_container(_kind)
for _name in ("float16", "float32", "float64"):
    _NAMES["numpy", _name] = _Name(_name)  # as the value of `store_dtype`


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = _NAMES.get((module, name))
        if found is None:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, which is neither an array nor a container"
            )
        return found

    def persistent_load(self, id: Any) -> Any:
        raise pickle.UnpicklingError("it refers to something outside itself")


def read_pickle(path: Path) -> Any:
    """The content of a pickle: containers, texts, numbers, arrays, `ExpertStore`. Held in memory as a whole.

    Raises DatasetError where the file is missing, cut short, no pickle, or asks for more than data.
    """
    try:
        with path.open("rb") as file:
            return _Unpickler(file, encoding="latin1").load()
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing") from None
    except EOFError:
        raise DatasetError(f"{path} is cut short: expected more of a pickle") from None
    except pickle.UnpicklingError as error:
        cut = "truncated" in str(error)
        why = f"is cut short: {error}" if cut else f"is refused: {error}"
        raise DatasetError(f"{path} {why}") from None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, MemoryError) as error:
        raise DatasetError(f"{path} is no whole pickle of arrays: {type(error).__name__} {error}") from None
