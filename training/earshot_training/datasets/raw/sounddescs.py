"""SoundDescs: pickled dictionaries of descriptions of BBC sound effects (reference fact 6.2)."""

from pathlib import Path

from earshot_training.datasets.clip import Clip
from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.published.captions import read_captions
from earshot_training.datasets.published.catalogue import PUBLISHED
from earshot_training.datasets.raw.caption_set import CaptionSet, MediaName, listed_splits


def _descriptions(folder: Path) -> Path | None:
    return next(iter(sorted(folder.glob("*descri*.pkl"))), None)


def is_sounddescs(folder: Path) -> bool:
    """Whether a folder has pickled descriptions."""
    return _descriptions(folder) is not None


def read_sounddescs(folder: Path) -> CaptionSet:
    """Recordings with their descriptions. Ids are the archive's, such as `nhu05091190`; media are called by
    them.

    Needs a pickle with "descri" in its name, and the lists of the splits.
    """
    path = _descriptions(folder)
    if path is None:
        raise DatasetError(f"{folder}: expected a pickle of descriptions (*descri*.pkl), found none")
    captions = {id: found for id, texts in read_captions(path).items() if (found := [t for t in texts if t])}
    published, notes = PUBLISHED["sounddescs"], []
    splits = listed_splits(folder, published.lists, captions, {}, notes)
    if not splits:
        raise DatasetError(f"{folder}: expected the lists {', '.join(published.lists.values())}, found none")
    clips = [Clip(id, tuple(map(" ".join, texts))) for id, texts in captions.items()]
    return CaptionSet(
        published.name, clips, splits, published.protocol, {id: [MediaName(id)] for id in captions}, notes
    )
