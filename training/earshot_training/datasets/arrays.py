"""Array files that are written row by row and read memory-mapped: .npy and .safetensors.

A set of tensors is one .npy file each, or one .safetensors file for all. The first tensor may grow while it
is written, so that features larger than the memory can be stored; the headers are completed at the end.
"""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from earshot_training.datasets.errors import DatasetError

_HEADER = 1024  # bytes kept free for a header that is written last; both formats allow padding by spaces
_SAFETENSORS_TYPES = {"F16": "<f2", "F32": "<f4", "I64": "<i8", "BOOL": "|b1"}


class RowWriter:
    """Writes rows of one width to a file, and then a few small arrays that describe them.

    `path` ends in .npy or .safetensors. For .npy each further array goes to its own file, `NAME.KEY.npy`.
    """

    def __init__(self, path: Path, dim: int, dtype: np.dtype):
        self.path, self.dim, self.dtype, self.rows = path, dim, np.dtype(dtype).newbyteorder("<"), 0
        self._file: BinaryIO = path.open("wb")
        self._file.write(b" " * _HEADER)

    def append(self, rows: np.ndarray) -> None:
        """Adds rows [n, dim]."""
        self._file.write(np.ascontiguousarray(rows, self.dtype).data)
        self.rows += len(rows)

    def finish(self, **further: np.ndarray) -> dict[str, str]:
        """Completes the file. Returns the file name of "features" and of each further array."""
        finish = self._finish_npy if self.path.suffix == ".npy" else self._finish_safetensors
        names = finish(further)
        self._file.close()
        return names

    def _finish_npy(self, further: Mapping[str, np.ndarray]) -> dict[str, str]:
        self._file.seek(0)
        self._file.write(_npy_header(self.dtype, (self.rows, self.dim)))
        names = {"features": self.path.name}
        for key, array in further.items():
            names[key] = f"{self.path.stem}.{key}.npy"
            np.save(self.path.with_name(names[key]), array)
        return names

    def _finish_safetensors(self, further: Mapping[str, np.ndarray]) -> dict[str, str]:
        header, end = {}, 0
        shapes = {"features": (self.dtype, (self.rows, self.dim))}
        for key, array in further.items():
            shapes[key] = (array.dtype, array.shape)
            self._file.write(np.ascontiguousarray(array).data)
        types = {np.dtype(code): name for name, code in _SAFETENSORS_TYPES.items()}
        for key, (dtype, shape) in shapes.items():
            start, end = end, end + int(np.prod(shape)) * dtype.itemsize
            header[key] = {"dtype": types[dtype], "shape": list(shape), "data_offsets": [start, end]}
        text = json.dumps(header).encode()
        self._file.seek(0)
        self._file.write(struct.pack("<Q", _HEADER - 8) + text.ljust(_HEADER - 8))
        return dict.fromkeys(shapes, self.path.name)

    def close(self) -> None:
        self._file.close()


def _npy_header(dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    """The start of a .npy file, version 1.0, filled to _HEADER bytes."""
    text = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {shape}, }}".encode("latin1")
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", _HEADER - 10)
    return start + text.ljust(_HEADER - 11) + b"\n"


def read_array(path: Path, key: str) -> np.ndarray:
    """An array of a .npy or .safetensors file, memory-mapped. Raises DatasetError where there is none."""
    if not path.is_file():
        raise DatasetError(f"{path} is missing")
    if path.suffix == ".safetensors":
        return _read_safetensors(path, key)
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DatasetError(f"{path} is no whole .npy file: {error}") from None


def _read_safetensors(path: Path, key: str) -> np.ndarray:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))[0]
        if size < 8 or length > size - 8:
            raise DatasetError(
                f"{path}: expected a header of {length} bytes, found {max(size - 8, 0)} in all"
            )
        try:
            header = json.loads(file.read(length))
            entry = header[key]
            dtype = np.dtype(_SAFETENSORS_TYPES[entry["dtype"]])
            shape, (start, end) = tuple(entry["shape"]), entry["data_offsets"]
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(
                f"{path}: no tensor {key!r} of float, int64 or bool in its header ({error})"
            ) from None
    expected = int(np.prod(shape)) * dtype.itemsize
    if end - start != expected or start < 0 or 8 + length + end > size:
        raise DatasetError(
            f"{path}: expected {expected} bytes of {key!r} at {start}, found {end - start} to byte {end} "
            f"of {size - 8 - length}"
        )
    if not expected:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", 8 + length + start, shape)
