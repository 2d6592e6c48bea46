"""The project's own layout of a data set: a folder with `dataset.json`, the clips, and arrays of each expert.

    dataset.json     name, protocol, and which file holds what
    clips.jsonl      a clip a line: id, captions, and where its media are
    train.txt, ...   the ids of each split
    vggish.npy, vggish.offsets.npy   tokens of all clips [tokens, dim]; of clip i: offsets[i] to [i + 1]
    inst.npy, inst.available.npy     one vector a clip [clips, dim], and whether it is there
    words.npy, words.offsets.npy     word vectors of all captions, in the order of the clips

`open_dataset` reads a folder, `DatasetWriter` writes one. Arrays are memory-mapped: nothing is read until it
is used.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from earshot_training.datasets.clip import Clip
from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.features import ExpertFeatures, WordFeatures, inside, read_expert, read_words
from earshot_training.datasets.protocol import Protocol

FORMAT_VERSION = 1
DESCRIPTION_FILE = "dataset.json"


@dataclass(frozen=True)
class Dataset:
    """A data set in memory, its arrays mapped from their files. `splits`: rows of the clips of each split."""

    folder: Path
    name: str
    clips: Sequence[Clip]
    splits: Mapping[str, np.ndarray]
    experts: Mapping[str, ExpertFeatures]
    words: WordFeatures | None
    protocol: Protocol
    provenance: Mapping[str, Any]

    @property
    def ids(self) -> list[str]:
        return [clip.id for clip in self.clips]

    @property
    def captions(self) -> list[list[str]]:
        """The captions of each clip."""
        return [list(clip.captions) for clip in self.clips]

    def __len__(self) -> int:
        return len(self.clips)

    def split(self, name: str, experts: Iterable[str] | None = None) -> np.ndarray:
        """The rows of a split, for use with some experts (default: all).

        Raises DatasetError where there is no such split or expert, or where a clip of the split has no
        caption, or none of these experts: no score exists for such a clip (reference fact 1.3).
        """
        if name not in self.splits:
            raise DatasetError(
                f"{self.name}: expected a split called {name!r}, found {', '.join(self.splits)}"
            )
        names = list(self.experts) if experts is None else list(experts)
        for expert in names:
            if expert not in self.experts:
                raise DatasetError(
                    f"{self.name}: expected expert {expert!r}, found {', '.join(self.experts)}"
                )
        rows = self.splits[name]
        if not len(rows):
            raise DatasetError(f"{self.name}: split {name!r} is empty")
        seen = np.zeros(len(self), bool)
        for expert in names:
            seen |= self.experts[expert].availability
        unseen = rows[~seen[rows]] if names else rows[:0]
        if len(unseen):
            raise DatasetError(
                f"{self.name}: expected at least one of {', '.join(names)} for every clip of split {name!r}, "
                f"found none for {len(unseen)} of {len(rows)}: {some(self.clips[row].id for row in unseen)}"
            )
        silent = [self.clips[row].id for row in rows if not self.clips[row].captions]
        if silent:
            raise DatasetError(
                f"{self.name}: {len(silent)} clips of split {name!r} have no caption: {some(silent)}"
            )
        return rows

    def verify(self) -> None:
        """Reads all arrays. Raises DatasetError with the first clip that has NaN, or an unusable split."""
        for expert in self.experts.values():
            for row in range(len(self)):
                expert.get(row)
        if self.words is not None:
            for row, clip in enumerate(self.clips):
                for caption in range(len(clip.captions)):
                    self.words.get(row, caption)
        for name in self.splits:
            self.split(name)


def open_dataset(folder: str | Path) -> Dataset:
    """Opens a data set folder. Raises DatasetError where its files do not fit together.

    What a row holds is checked when it is read (`ExpertFeatures.get`), or for all rows by `Dataset.verify`.
    """
    folder = Path(folder)
    path = folder / DESCRIPTION_FILE
    if not path.is_file():
        raise DatasetError(f"{folder} is no data set: it has no {DESCRIPTION_FILE}")
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DatasetError(f"{path} is no JSON: {error}") from None
    if not isinstance(description, dict) or description.get("formatVersion") != FORMAT_VERSION:
        found = description.get("formatVersion") if isinstance(description, dict) else description
        raise DatasetError(f"{path}: expected formatVersion {FORMAT_VERSION}, found {found!r}")
    try:
        clips = _read_clips(inside(folder, description["clips"]))
        rows = {clip.id: row for row, clip in enumerate(clips)}
        if len(rows) != len(clips):
            raise DatasetError(f"{folder}: expected every clip id once, found {len(clips) - len(rows)} twice")
        experts = {
            name: read_expert(folder, name, entry, len(clips))
            for name, entry in description["experts"].items()
        }
        words = description.get("words")
        return Dataset(
            folder=folder,
            name=description["name"],
            clips=clips,
            splits={
                name: _read_split(inside(folder, file), rows) for name, file in description["splits"].items()
            },
            experts=experts,
            words=read_words(folder, words, [len(clip.captions) for clip in clips]) if words else None,
            protocol=Protocol.from_json(description.get("protocol", {})),
            provenance=description.get("provenance", {}),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path}: a field is missing or of the wrong kind ({error})") from None


def read_ids(path: Path) -> list[str]:
    """The ids of a list file, one a line; empty lines do not count. Raises DatasetError if one repeats."""
    if not path.is_file():
        raise DatasetError(f"{path} is missing")
    try:
        ids = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is no list in UTF-8: {error}") from None
    if len(set(ids)) != len(ids):
        raise DatasetError(f"{path}: expected every clip once, found {len(ids) - len(set(ids))} repeated")
    return ids


def some(ids: Iterable[str], limit: int = 3) -> str:
    """The first of some ids, for a message."""
    ids = list(ids)
    return ", ".join(ids[:limit]) + (", ..." if len(ids) > limit else "")


def _read_clips(path: Path) -> list[Clip]:
    if not path.is_file():
        raise DatasetError(f"{path} is missing")
    clips = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                clips.append(Clip.from_json(json.loads(line.decode("utf-8"))))
            except (ValueError, DatasetError) as error:
                raise DatasetError(f"{path}, line {number}: {error}") from None
    return clips


def _read_split(path: Path, rows: Mapping[str, int]) -> np.ndarray:
    ids = read_ids(path)
    unknown = [id for id in ids if id not in rows]
    if unknown:
        raise DatasetError(
            f"{path}: {len(unknown)} of {len(ids)} ids are no clips of the data set: {some(unknown)}"
        )
    return np.array([rows[id] for id in ids], np.int64)
