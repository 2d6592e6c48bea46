"""Writes a data set folder (see `layout`), array by array, never holding more than one clip's features.

Everything goes to `FOLDER.partial`, which becomes FOLDER when all is written and fits together. An expert
whose array is complete is not written again when an interrupted run is repeated with the same `source`.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from earshot_training.datasets.arrays import RowWriter
from earshot_training.datasets.clip import Clip
from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.layout import DESCRIPTION_FILE, FORMAT_VERSION, Dataset, open_dataset
from earshot_training.datasets.protocol import Protocol

Rows = Iterable[np.ndarray | None]  # of each clip in order; None where the expert is missing
_PROGRESS_FILE = "progress.json"


class DatasetWriter:
    """Writes one data set.

    `file_format`: "npy" or "safetensors". `dtype`: "float32", or "float16" (half the size; a number too
    large for it is refused). `source`: any JSON value that tells what the features are made from; arrays
    that an interrupted run finished are kept only where it had the same source, clips, format and dtype.
    """

    def __init__(
        self,
        folder: str | Path,
        name: str,
        clips: Sequence[Clip],
        splits: Mapping[str, Sequence[str]],
        protocol: Protocol,
        *,
        provenance: Mapping[str, Any] | None = None,
        file_format: str = "npy",
        dtype: str = "float32",
        source: Any = None,
    ):
        if file_format not in ("npy", "safetensors"):
            raise DatasetError(f"expected the format npy or safetensors, found {file_format!r}")
        if dtype not in ("float32", "float16"):
            raise DatasetError(f"expected float32 or float16, found {dtype!r}")
        self.folder = Path(folder)
        if self.folder.exists():
            raise DatasetError(f"{self.folder} exists; remove it or name another folder")
        self.name, self.clips, self.splits, self.protocol = name, clips, splits, protocol
        self.provenance, self.file_format, self.dtype = dict(provenance or {}), file_format, np.dtype(dtype)
        self._partial = self.folder.with_name(self.folder.name + ".partial")
        self._source = json.loads(json.dumps([source, name, file_format, dtype, [clip.id for clip in clips]]))
        self._arrays: dict[str, Any] = {}
        self._take_up()

    def _take_up(self) -> None:
        """Keeps what an interrupted run of the same source finished, and removes what another one left."""
        progress = self._partial / _PROGRESS_FILE
        if self._partial.exists():
            try:
                found = json.loads(progress.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                raise DatasetError(f"{self._partial} exists and was left by no run; remove it") from None
            if found["source"] == self._source:
                self._arrays = found["arrays"]
            else:
                shutil.rmtree(self._partial)
        self._partial.mkdir(parents=True, exist_ok=True)
        self._note_progress()

    def _note_progress(self) -> None:
        text = json.dumps({"source": self._source, "arrays": self._arrays})
        part = self._partial / f"{_PROGRESS_FILE}.new"
        part.write_text(text, encoding="utf-8")
        part.replace(self._partial / _PROGRESS_FILE)

    def _finished(self, name: str, entry: dict[str, Any]) -> None:
        self._arrays[name] = entry
        self._note_progress()

    def has(self, name: str) -> bool:
        """Whether the array of an expert, or of "words", is already complete."""
        return name in self._arrays

    def write_expert(
        self, name: str, aggregation: str, dim: int, rows: Rows | Callable[[], Rows], dtype: str | None = None
    ) -> None:
        """Writes one expert: for each clip in order [tokens, dim] ("sequence") or [dim] ("average"), or None.

        A sequence without tokens counts as missing. `rows` may be a function that is called only where the
        array is not complete yet. Raises DatasetError with the clip whose features have another shape, or
        NaN.
        """
        if self.has(name):
            return
        writer = RowWriter(self._path(name), dim, np.dtype(dtype or self.dtype))
        try:
            if aggregation == "sequence":
                further = self._write_sequences(writer, name, dim, rows() if callable(rows) else rows)
            elif aggregation == "average":
                further = self._write_averages(writer, name, dim, rows() if callable(rows) else rows)
            else:
                raise DatasetError(
                    f"expected aggregation sequence or average of {name}, found {aggregation!r}"
                )
            files = writer.finish(**further)
        finally:
            writer.close()
        self._finished(name, {"aggregation": aggregation, "dim": dim, **files})

    def write_words(
        self,
        dim: int,
        captions: Iterable[np.ndarray] | Callable[[], Iterable[np.ndarray]],
        dtype: str | None = None,
    ) -> None:
        """Writes the word vectors [words, dim] of every caption, in the order of the clips."""
        if self.has("words"):
            return
        owners = [clip.id for clip in self.clips for _ in clip.captions]
        writer = RowWriter(self._path("words"), dim, np.dtype(dtype or self.dtype))
        offsets = np.zeros(len(owners) + 1, np.int64)
        try:
            for number, (words, owner) in enumerate(_in_step(captions, owners, "captions", "words")):
                writer.append(self._checked(words, (-1, dim), writer.dtype, f"the words of clip {owner}"))
                offsets[number + 1] = writer.rows
            files = writer.finish(offsets=offsets)
        finally:
            writer.close()
        self._finished("words", {"dim": dim, **files})

    def _path(self, name: str) -> Path:
        if not name.replace("-", "").replace("_", "").isalnum():
            raise DatasetError(f"expected an expert's name of letters, digits, - and _, found {name!r}")
        return self._partial / f"{name}.{self.file_format}"

    def _write_sequences(self, writer: RowWriter, name: str, dim: int, rows: Rows) -> dict[str, np.ndarray]:
        offsets = np.zeros(len(self.clips) + 1, np.int64)
        ids = [clip.id for clip in self.clips]
        for number, (features, id) in enumerate(_in_step(rows, ids, "clips", name)):
            if features is not None and len(features):
                writer.append(self._checked(features, (-1, dim), writer.dtype, f"{name} of clip {id}"))
            offsets[number + 1] = writer.rows
        return {"offsets": offsets}

    def _write_averages(self, writer: RowWriter, name: str, dim: int, rows: Rows) -> dict[str, np.ndarray]:
        available = np.zeros(len(self.clips), bool)
        ids = [clip.id for clip in self.clips]
        for number, (features, id) in enumerate(_in_step(rows, ids, "clips", name)):
            available[number] = features is not None
            if features is None:
                writer.append(np.zeros((1, dim), writer.dtype))
            else:
                writer.append(self._checked(features, (dim,), writer.dtype, f"{name} of clip {id}")[None])
        return {"available": available}

    def _checked(
        self, features: np.ndarray, shape: tuple[int, ...], dtype: np.dtype, what: str
    ) -> np.ndarray:
        """Features as they will be stored. `shape` has -1 for a length that is free."""
        features = np.asarray(features)
        fits = features.ndim == len(shape) and all(
            wanted in (-1, found) for wanted, found in zip(shape, features.shape, strict=True)
        )
        if not fits or features.dtype.kind not in "fiu":
            wanted = " x ".join("tokens" if size == -1 else str(size) for size in shape)
            found = " x ".join(map(str, features.shape)) or "one value"
            raise DatasetError(f"{what}: expected {wanted} numbers, found {found} of {features.dtype}")
        if not np.isfinite(features).all():
            raise DatasetError(f"{what}: expected numbers, found NaN or infinity")
        with np.errstate(over="ignore"):
            stored = features.astype(dtype)
        if not np.isfinite(stored).all():
            raise DatasetError(
                f"{what}: expected numbers that fit {dtype}, found {np.abs(features).max():g}; store float32"
            )
        return stored

    def finish(self) -> Dataset:
        """Completes the folder and opens it. Raises DatasetError where the parts do not fit together."""
        with (self._partial / "clips.jsonl").open("w", encoding="utf-8") as file:
            for clip in self.clips:
                file.write(json.dumps(clip.to_json(), ensure_ascii=False) + "\n")
        for split, ids in self.splits.items():
            (self._partial / f"{split}.txt").write_text("".join(f"{id}\n" for id in ids), encoding="utf-8")
        description = {
            "formatVersion": FORMAT_VERSION,
            "name": self.name,
            "clips": "clips.jsonl",
            "splits": {split: f"{split}.txt" for split in self.splits},
            "experts": {name: entry for name, entry in self._arrays.items() if name != "words"},
            **({"words": self._arrays["words"]} if "words" in self._arrays else {}),
            "protocol": self.protocol.to_json(),
            "provenance": self.provenance,
        }
        text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
        (self._partial / DESCRIPTION_FILE).write_text(text, encoding="utf-8")
        open_dataset(self._partial)
        (self._partial / _PROGRESS_FILE).unlink(missing_ok=True)
        self._partial.replace(self.folder)
        return open_dataset(self.folder)


def write_dataset(
    folder: str | Path,
    name: str,
    clips: Sequence[Clip],
    splits: Mapping[str, Sequence[str]],
    protocol: Protocol,
    experts: Mapping[str, tuple[str, int, Rows]],
    words: tuple[int, Iterable[np.ndarray]] | None = None,
    **options: Any,
) -> Dataset:
    """Writes a whole data set at once: `experts` maps a name to (aggregation, dim, rows), `words` is (dim,
    captions).

    `options` are those of `DatasetWriter`.
    """
    writer = DatasetWriter(folder, name, clips, splits, protocol, **options)
    for expert, (aggregation, dim, rows) in experts.items():
        writer.write_expert(expert, aggregation, dim, rows)
    if words is not None:
        writer.write_words(*words)
    return writer.finish()


def _in_step(rows: Any, names: Sequence[str], what: str, of: str) -> Iterable[tuple[Any, str]]:
    """Pairs rows with the names of what they belong to, and refuses more or fewer rows than names."""
    count = 0
    for features in rows() if callable(rows) else rows:
        if count == len(names):
            raise DatasetError(f"{of}: expected features of {len(names)} {what}, found more")
        yield features, names[count]
        count += 1
    if count != len(names):
        raise DatasetError(f"{of}: expected features of {len(names)} {what}, found {count}")
