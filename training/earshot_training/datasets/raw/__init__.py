"""The raw public formats of data sets: captions, splits, and names of media (reference fact 6.2)."""

from collections.abc import Callable
from pathlib import Path

from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.layout import DESCRIPTION_FILE, open_dataset
from earshot_training.datasets.raw.activity_net import is_activity_net, read_activity_net
from earshot_training.datasets.raw.audiocaps import is_audiocaps, read_audiocaps
from earshot_training.datasets.raw.caption_set import CaptionSet, MediaName, captions_of
from earshot_training.datasets.raw.clotho import is_clotho, read_clotho
from earshot_training.datasets.raw.labelled_sounds import is_labelled_sounds, read_labelled_sounds
from earshot_training.datasets.raw.manifest import read_manifest
from earshot_training.datasets.raw.queryd import (
    is_queryd,
    is_queryd_segments,
    read_queryd,
    read_queryd_segments,
)
from earshot_training.datasets.raw.sounddescs import is_sounddescs, read_sounddescs

RAW_FORMATS: dict[str, tuple[Callable[[Path], bool], Callable[[Path], CaptionSet]]] = {
    "audiocaps": (is_audiocaps, read_audiocaps),
    "clotho": (is_clotho, read_clotho),
    "activity-net": (is_activity_net, read_activity_net),
    "queryd": (is_queryd, read_queryd),
    "queryd-segments": (is_queryd_segments, read_queryd_segments),
    "sounddescs": (is_sounddescs, read_sounddescs),
    "labelled-sounds": (is_labelled_sounds, read_labelled_sounds),
}

__all__ = ["RAW_FORMATS", "CaptionSet", "MediaName", "read_raw"]


def read_raw(source: Path) -> CaptionSet:
    """The captions of a CSV manifest, of a folder in one of the raw formats, or in the project's own layout;
    which it is, the files tell.

    Raises DatasetError where no format fits, or where a file is not what it should be.
    """
    if source.is_file():
        return read_manifest(source)
    if (source / DESCRIPTION_FILE).is_file():
        return captions_of(open_dataset(source))
    for recognises, read in RAW_FORMATS.values():
        if recognises(source):
            return read(source)
    if (source / "manifest.csv").is_file():
        return read_manifest(source / "manifest.csv")
    raise DatasetError(
        f"{source}: expected a manifest (CSV) or the files of {', '.join(RAW_FORMATS)}, found none of them"
    )
