"""What a run has extracted so far: one small file a clip, so that nothing is done twice."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from earshot_training.extraction.errors import ExtractionError
from earshot_training.extraction.listeners import Listener
from earshot_training.extraction.media import ClipMedia

_SOURCE = "_source"  # the array beside the features that tells what they were made of


class FeatureStore:
    """Features of clips by id, in a folder. Raises ExtractionError where the folder is of other experts."""

    def __init__(self, folder: Path, listeners: Sequence[Listener]):
        self.folder = folder
        identity = json.dumps({each.name: each.identity for each in listeners}, indent=2, sort_keys=True)
        path = folder / "experts.json"
        if folder.exists() and not path.is_file():
            raise ExtractionError(f"{folder} exists and was left by no run; remove it")
        if path.is_file() and path.read_text(encoding="utf-8") != identity:
            raise ExtractionError(
                f"{folder} has features of other experts or settings; remove it, or name another output"
            )
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(identity, encoding="utf-8")

    def _path(self, id: str) -> Path:
        name = hashlib.sha256(id.encode()).hexdigest()[:32]
        return self.folder / name[:2] / f"{name}.npz"

    def write(self, id: str, media: ClipMedia, features: Mapping[str, np.ndarray | None]) -> None:
        """Keeps the features of a clip; a reader sees all of them or none."""
        path = self._path(id)
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        found = {name: array for name, array in features.items() if array is not None}
        with part.open("wb") as file:
            np.savez(file, **found, **{_SOURCE: np.array(source_of(media))})
        os.replace(part, path)

    def read(self, id: str, media: ClipMedia) -> dict[str, np.ndarray] | None:
        """The features of a clip by expert, None where there are none of this file and this part of it."""
        try:
            with np.load(self._path(id), allow_pickle=False) as arrays:
                if str(arrays[_SOURCE]) != source_of(media):
                    return None
                return {name: arrays[name] for name in arrays.files if name != _SOURCE}
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None


def source_of(media: ClipMedia) -> str:
    """What tells a file, and the part of it that a clip is, from another."""
    facts: list[Any] = [media.path.name, media.path.stat().st_size, media.start_seconds, media.end_seconds]
    return json.dumps(facts)
