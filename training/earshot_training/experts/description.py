"""What an exported expert is: the JSON file beside its ONNX file.

Its fields are those of a manifest's expert entry (docs/model-packs.md) that do not depend on a retrieval
model, then licence, origin of the weights, settings, and the files with their sizes and SHA-256.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earshot_training.downloads import Expected, MismatchError
from earshot_training.experts.errors import DescriptionError
from earshot_training.places import file_sha256

# Fields of the JSON by their names here, with what is expected of them.
_TEXT, _COUNT, _RATE = "a text", "a whole number above 0", "a number above 0"
_COMMON = {
    "name": ("name", _TEXT),
    "modality": ("modality", _TEXT),
    "file": ("file", _TEXT),
    "feature_dim": ("featureDim", _COUNT),
    "aggregation": ("aggregation", _TEXT),
    "tokens_per_window": ("tokensPerWindow", _COUNT),
    "licence": ("licence", _TEXT),
}
_BY_MODALITY = {
    "audio": {
        "window_samples": ("windowSamples", _COUNT),
        "hop_samples": ("hopSamples", _COUNT),
    },
    "visual": {
        "frames_per_second": ("framesPerSecond", _RATE),
        "frame_width": ("frameWidth", _COUNT),
        "frame_height": ("frameHeight", _COUNT),
        "frames_per_window": ("framesPerWindow", _COUNT),
        "hop_frames": ("hopFrames", _COUNT),
    },
}


@dataclass(frozen=True)
class ExpertDescription:
    """An exported expert. Audio experts have windows in samples of 16 kHz, visual ones in frames.

    `weights`: "file", "sha256" and "source" (an address, or None) of what it was made of; None for made-up
    weights. `files`: "bytes" and "sha256" by name; `file` is one of them, and weights that ONNX keeps beside
    the graph are the others.
    """

    name: str
    modality: str
    file: str
    feature_dim: int
    aggregation: str
    tokens_per_window: int
    licence: str
    window_samples: int | None = None
    hop_samples: int | None = None
    frames_per_second: float | None = None
    frame_width: int | None = None
    frame_height: int | None = None
    frames_per_window: int | None = None
    hop_frames: int | None = None
    weights: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def data_files(self) -> tuple[str, ...]:
        """The files beside `file`."""
        return tuple(name for name in self.files if name != self.file)

    @staticmethod
    def read(path: str | Path) -> "ExpertDescription":
        """Reads NAME.json. Raises DescriptionError with what was expected and what was found."""
        path = Path(path)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise DescriptionError(f"{path}: {error.strerror}") from None
        except ValueError as error:
            raise DescriptionError(f"{path}: expected JSON but found something else ({error})") from None
        if not isinstance(content, dict) or content.get("modality") not in _BY_MODALITY:
            raise DescriptionError(
                f"{path}: expected the description of an audio or visual expert, with modality, name and file"
            )
        values = {}
        for ours, (name, kind) in {**_COMMON, **_BY_MODALITY[content["modality"]]}.items():
            value = content.get(name)
            if not _is(value, kind):
                raise DescriptionError(f"{path}: expected {name} to be {kind} but found {value!r}")
            values[ours] = value
        files = content.get("files")
        if not isinstance(files, dict) or values["file"] not in files:
            raise DescriptionError(f"{path}: expected files to list {values['file']} but found {files!r}")
        for name, facts in files.items():
            if (
                not isinstance(facts, dict)
                or not _is(facts.get("bytes"), _COUNT)
                or not _is(facts.get("sha256"), _TEXT)
            ):
                raise DescriptionError(f"{path}: expected bytes and sha256 of {name} but found {facts!r}")
        return ExpertDescription(
            **values, weights=content.get("weights"), settings=content.get("settings", {}), files=files
        )

    def write(self, path: str | Path) -> Path:
        """Writes it as JSON."""
        fields = {**_COMMON, **_BY_MODALITY[self.modality]}
        content = {name: getattr(self, ours) for ours, (name, _) in fields.items()}
        content |= {"weights": self.weights, "settings": dict(self.settings), "files": dict(self.files)}
        path = Path(path)
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    def check_files(self, folder: str | Path) -> None:
        """Raises DescriptionError where a file in `folder` is missing or not the one that was exported."""
        for name, expected in self.files.items():
            path = Path(folder) / name
            if not path.is_file():
                raise DescriptionError(f"{folder} has no {name}, which {self.name} is made of")
            try:
                Expected(size=expected["bytes"], sha256=expected["sha256"]).check(path)
            except MismatchError as error:
                raise DescriptionError(f"{folder}: {error}") from None


def list_files(folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """The `files` of a description."""
    return {
        name: {"bytes": (folder / name).stat().st_size, "sha256": file_sha256(folder / name)}
        for name in names
    }


def _is(value: Any, kind: str) -> bool:
    if kind == _TEXT:
        return isinstance(value, str) and bool(value)
    numbers = (int,) if kind == _COUNT else (int, float)
    return isinstance(value, numbers) and not isinstance(value, bool) and value > 0
