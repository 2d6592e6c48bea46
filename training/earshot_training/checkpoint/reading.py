"""Reads the reference's checkpoints (`trained_model.pth`) without running anything they contain (reference
fact 1.6).

Such a file is a pickle that names classes of the reference's own program. PyTorch's restricted unpickler
reads it. The few names that the reference's trainer is known to write are given inert stand-ins, which keep
what they are handed and do nothing; a file that names anything else is refused before that is looked up.
"""

import pickle
import re
import tarfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from earshot_training.errors import MendableError

ARCHITECTURE = "CENet"
# Left over from older versions of the reference's model; its own evaluator drops them before a strict load.
OUTDATED = ("ce.moe_fc_bottleneck1.", "ce.moe_cg.", "ce.moe_fc_proj.")


class CheckpointError(MendableError, ValueError):
    """A file is no checkpoint of the reference's models, or not one that can be trusted. The message says
    what was expected and what was found."""


class Inert:
    """Stands in for a class the file names. Keeps its arguments and state, and has no behaviour."""

    def __init__(self, *args: Any):
        self.args = args
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _inert(name: str) -> type[Inert]:
    return type("Inert", (Inert,), {"stands_for": name})


class _DataType(Inert):
    """NumPy's dtype; args[0] is a code such as "f8", state[1] the byte order."""

    def kind(self) -> np.dtype:
        order = self.state[1] if self.state else "="
        return np.dtype(self.args[0]).newbyteorder("=" if order == "|" else order)


def _scalar(data_type: _DataType, data: bytes) -> float | int | bool:
    """NumPy's scalar constructor, for plain numbers only."""
    kind = data_type.kind()
    if kind.kind not in "biuf":
        raise ValueError(f"a scalar of type {kind}, which is no plain number")
    return np.frombuffer(data, kind)[0].item()


def _encode(text: str, encoding: str) -> bytes:
    """How pickles of protocol 2 spell bytes."""
    if encoding != "latin1":
        raise ValueError(f"bytes encoded as {encoding!r}; only latin1 is known")
    return text.encode("latin1")


_CONFIG = _inert("parse_config.ConfigParser")
# By the names that the reference's trainer writes, under old and new versions of Python and NumPy.
_STAND_INS: dict[str, Any] = {
    "parse_config.ConfigParser": _CONFIG,
    "argparse.Namespace": _inert("argparse.Namespace"),
    "numpy.dtype": _DataType,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
    "_codecs.encode": _encode,
    **{
        f"{module}.{kind}": _inert(kind)
        for module in ("pathlib", "pathlib._local")
        for kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
    },
}


@dataclass(frozen=True)
class Checkpoint:
    """What the reference's trainer saved, on the CPU.

    `config` is the resolved settings ({} in a file without); `optimizer` may be left out. `saved_as` is the
    folder it was first written to, whose parts name the experiment and the time it began: () if unknown.
    """

    arch: str
    epoch: int
    state_dict: dict[str, Tensor]
    monitor_best: float | None
    config: dict[str, Any]
    optimizer: dict[str, Any] | None
    saved_as: tuple[str, ...] = ()


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Reads a checkpoint of any version of PyTorch onto the CPU.

    Raises CheckpointError where the file is none, is cut short, holds another architecture, or asks for more
    than data; FileNotFoundError where there is none.
    """
    path = Path(path)
    _refuse_other_files(path)
    try:
        with (
            warnings.catch_warnings(),
            torch.serialization.safe_globals([(thing, name) for name, thing in _STAND_INS.items()]),
        ):
            warnings.simplefilter("ignore")  # about pickle protocols and storages: of no use to the reader
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"(?:GLOBAL|reduce for unrecognized function|but got) (\S+)", str(error))
        if named and _ends_with(path, named[1].rpartition(".")[2]):
            raise _unreadable(path, f"it ends in the middle of the name {named[1]}") from error
        found = f"{named[1]}, which a checkpoint has no use for" if named else f"more ({_first_line(error)})"
        raise CheckpointError(
            f"{path}: expected weights and settings, found {found}; nothing of it was run"
        ) from error
    except Exception as error:  # whatever a damaged or crafted file makes the reader stumble over
        raise _unreadable(path, _first_line(error)) from error
    return _checked(content, path)


def _refuse_other_files(path: Path) -> None:
    """Tells common mistakes by a file's first bytes, where PyTorch's own message would not help."""
    with path.open("rb") as file:
        start = file.read(512)
    found = None
    if not start:
        found = "an empty file"
    elif start.lstrip()[:1] == b"<":
        found = "a web page: the download failed"
    elif start.startswith(b"\x1f\x8b"):
        found = "a gzip archive: unpack it first"
    elif start[:2] not in (b"PK", b"\x80\x02") and tarfile.is_tarfile(path):
        found = "a tar archive: unpack it first (PyTorch's own, of before 2018, are not read)"
    elif start[:2] not in (b"PK", b"\x80\x02"):
        found = f"a file that begins with {start[:8]!r}"
    if found:
        raise CheckpointError(f"{path}: expected a file of torch.save, found {found}")


def _unreadable(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"{path}: expected a whole file of torch.save, found one that cannot be read ({why})."
        " Is it cut short?"
    )


def _ends_with(path: Path, name: str) -> bool:
    """Whether a file breaks off in this name, of which the unpickler drops one character as a line's end."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(name.encode()) - 1))
        return file.read().startswith(name.encode())


def _first_line(error: Exception) -> str:
    # PyTorch puts before its unpickler's own words how to run what the file holds: no advice to pass on.
    lines = str(error).rpartition("WeightsUnpickler error:")[2].strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines[0] else type(error).__name__


def _checked(content: Any, path: Path) -> Checkpoint:
    """The parts of a file's content, each of the type it should be."""

    def refuse(expected: str, found: str) -> CheckpointError:
        return CheckpointError(f"{path}: expected {expected}, found {found}")

    if not isinstance(content, Mapping) or "state_dict" not in content:
        found = f"keys {_some(content)}" if isinstance(content, Mapping) else f"a {type(content).__name__}"
        raise refuse("a dictionary with arch, epoch, state_dict and config", found)
    if content.get("arch") != ARCHITECTURE:
        raise refuse(f"the architecture {ARCHITECTURE!r}", repr(content.get("arch")))
    weights = content["state_dict"]
    if not isinstance(weights, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in weights.items()
    ):
        raise refuse(
            "state_dict to map names to tensors", f"a {type(weights).__name__} with other things in it"
        )
    config, saved_as = content.get("config") or {}, ()
    if isinstance(config, Inert):
        state = config.state if isinstance(config, _CONFIG) and isinstance(config.state, dict) else {}
        config, folder = state.get("_config"), state.get("_save_dir")
        if isinstance(folder, Inert) and all(isinstance(part, str) for part in folder.args):
            saved_as = folder.args
    if not isinstance(config, dict):
        raise refuse("config to hold the settings as a dictionary", f"a {type(config).__name__}")
    epoch, best = content.get("epoch"), content.get("monitor_best")
    if not isinstance(epoch, int):
        raise refuse("epoch to be a whole number", repr(epoch)[:80])
    if isinstance(best, Tensor) and best.numel() == 1:
        best = best.item()
    if best is not None and not isinstance(best, int | float):
        raise refuse("monitor_best to be a number", repr(best)[:80])
    optimizer = content.get("optimizer")
    if optimizer is not None and not isinstance(optimizer, dict):
        raise refuse("optimizer to be a dictionary", f"a {type(optimizer).__name__}")
    return Checkpoint(
        arch=content["arch"],
        epoch=epoch,
        state_dict={name: value for name, value in weights.items() if not name.startswith(OUTDATED)},
        monitor_best=best,
        config=config,
        optimizer=optimizer,
        saved_as=saved_as,
    )


def _some(names: Mapping[Any, Any]) -> str:
    shown = ", ".join(str(name)[:60] for name in list(names)[:4])
    return f"{shown} ... ({len(names)} in all)" if len(names) > 4 else shown or "none"
