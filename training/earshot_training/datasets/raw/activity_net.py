"""ActivityNet Captions: train.json, val_1.json, val_2.json (reference fact 6.2)."""

from pathlib import Path
from typing import Any

from earshot_training.datasets.clip import Clip
from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.published.catalogue import PUBLISHED
from earshot_training.datasets.raw.caption_set import CaptionSet, MediaName, listed_splits
from earshot_training.datasets.raw.tables import read_json

FILES = {"train": "train.json", "val": "val_1.json"}


def is_activity_net(folder: Path) -> bool:
    """Whether a folder has the files of ActivityNet Captions."""
    return (folder / FILES["val"]).is_file()


def read_activity_net(folder: Path) -> CaptionSet:
    """Whole videos with all their sentences in order, each with its moment. Ids are `v_<YouTube id>`.

    As in the reference, val_1 is both validation and test (reference fact 2.3). Media are called by the id,
    with or without `v_`. Id lists of the published archive are used where they lie in the same folder.
    """
    clips: dict[str, Clip] = {}
    splits: dict[str, list[str]] = {}
    for split, file in FILES.items():
        path = folder / file
        if not path.is_file():
            continue
        content = read_json(path)
        if not isinstance(content, dict):
            raise DatasetError(f"{path}: expected an object from video ids to captions")
        for id, entry in content.items():
            if id in clips:
                raise DatasetError(f"{path}: video {id} is in another split, too")
            clips[id] = _clip(id, entry, path)
        splits[split] = list(content)
    published, notes = PUBLISHED["activity-net"], []
    if "val" in splits:
        splits["test"] = splits["val"]
    return CaptionSet(
        published.name,
        list(clips.values()),
        listed_splits(folder, published.lists, clips, splits, notes),
        published.protocol,
        {id: [MediaName(id), MediaName(id.removeprefix("v_"))] for id in clips},
        notes,
    )


def _clip(id: str, entry: Any, path: Path) -> Clip:
    fields = entry if isinstance(entry, dict) else {}
    sentences, moments = fields.get("sentences"), fields.get("timestamps")
    if not isinstance(sentences, list) or not isinstance(moments, list) or len(sentences) != len(moments):
        raise DatasetError(
            f"{path}: expected as many timestamps as sentences of {id}, found {str(entry)[:80]}"
        )
    for moment in moments:
        numbers = (
            isinstance(moment, list) and len(moment) == 2 and all(isinstance(t, int | float) for t in moment)
        )
        if not numbers:
            raise DatasetError(f"{path}: expected moments [start, end] of {id}, found {moment!r:.60}")
    # Some are written end first.
    return Clip(
        id, tuple(str(s).strip() for s in sentences), moments=tuple((min(m), max(m)) for m in moments)
    )
