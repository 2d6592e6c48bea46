"""What the raw files of a data set say: its clips with captions, its splits, and where their media may be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from earshot_training.datasets.clip import Clip
from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.layout import Dataset, read_ids, some
from earshot_training.datasets.protocol import Protocol


@dataclass(frozen=True)
class MediaName:
    """How the media of a clip may be called: a file name without its suffix, or, with `exact`, a path below
    the media folder. The clip is the file from `start_seconds` (None: its start) to `end_seconds` (None: its
    end).
    """

    stem: str
    start_seconds: float | None = None
    end_seconds: float | None = None
    exact: bool = False


@dataclass
class CaptionSet:
    """Clips and splits without features. `media`: for each clip id the names it may have, the best first."""

    name: str
    clips: list[Clip]
    splits: dict[str, list[str]]
    protocol: Protocol
    media: dict[str, list[MediaName]]
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        ids = {clip.id for clip in self.clips}
        if len(ids) != len(self.clips):
            raise DatasetError(
                f"{self.name}: expected every clip once, found {len(self.clips) - len(ids)} repeated"
            )
        if not ids:
            raise DatasetError(f"{self.name}: expected clips, found none")


def captions_of(dataset: Dataset) -> CaptionSet:
    """A data set in the project's own layout as captions whose media are known, to extract features anew."""
    return CaptionSet(
        dataset.name,
        list(dataset.clips),
        {name: [dataset.clips[row].id for row in rows] for name, rows in dataset.splits.items()},
        dataset.protocol,
        {
            clip.id: [MediaName(clip.media, clip.start_seconds, clip.end_seconds, exact=True)]
            for clip in dataset.clips
            if clip.media is not None
        },
    )


def listed_splits(
    folder: Path,
    files: Mapping[str, str],
    known: Iterable[str],
    splits: Mapping[str, Sequence[str]],
    notes: list[str],
) -> dict[str, list[str]]:
    """Splits as the list files in `folder` say, where they are there; else those of `splits`.

    Ids of a list that are no known clips are left out and counted in the notes.
    """
    known, found = set(known), {name: list(ids) for name, ids in splits.items()}
    for name, file in files.items():
        if (folder / file).is_file():
            ids = read_ids(folder / file)
            unknown = [id for id in ids if id not in known]
            if unknown:
                notes.append(f"{file}: {len(unknown)} of {len(ids)} clips have no caption: {some(unknown)}")
            found[name] = [id for id in ids if id in known]
    return found


def need(path: Path) -> Path:
    """The path. Raises DatasetError where there is no such file."""
    if not path.is_file():
        raise DatasetError(f"{path} is missing")
    return path
