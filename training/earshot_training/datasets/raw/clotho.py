"""Clotho 1.0 and later: clotho_captions_{development,validation,evaluation}.csv (reference fact 6.2)."""

from pathlib import Path

import numpy as np

from earshot_training.datasets.clip import Clip
from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.published.catalogue import PUBLISHED
from earshot_training.datasets.raw.caption_set import CaptionSet, MediaName, listed_splits
from earshot_training.datasets.raw.tables import read_table

PARTS = ("development", "validation", "evaluation")
COLUMNS = ("file_name", *(f"caption_{number}" for number in range(1, 6)))
VALIDATION_SHARE = 579 / 2893  # as the paper split version 1.0


def _file(folder: Path, part: str) -> Path:
    return folder / f"clotho_captions_{part}.csv"


def is_clotho(folder: Path) -> bool:
    """Whether a folder has a file of Clotho."""
    return any(_file(folder, part).is_file() for part in PARTS)


def read_clotho(folder: Path) -> CaptionSet:
    """Clips of the parts that are there; an id is a file's name without its suffix.

    Training is development, test is evaluation, validation is the part of that name. Version 1.0 has none:
    the published lists are used where they lie in the same folder; else a fifth of development is drawn with
    seed 0, since the paper's draw cannot be rebuilt.
    """
    captions: dict[str, tuple[str, ...]] = {}
    media: dict[str, list[MediaName]] = {}
    ids: dict[str, list[str]] = {}
    for part in PARTS:
        path = _file(folder, part)
        if not path.is_file():
            continue
        ids[part] = []
        for line, row in read_table(path, COLUMNS):
            stem = Path(row["file_name"]).stem
            id = " ".join(stem.split())
            if id in captions:
                raise DatasetError(f"{path}, line {line}: file {row['file_name']} is there twice")
            captions[id] = tuple(text for column in COLUMNS[1:] if (text := row[column].strip()))
            media[id] = [MediaName(stem)]
            ids[part].append(id)
    notes: list[str] = []
    names = {"development": "train", "validation": "val", "evaluation": "test"}
    splits = {names[part]: listed for part, listed in ids.items()}
    lists = PUBLISHED["clotho"].lists
    if "val" not in splits and "train" in splits and not (folder / lists["val"]).is_file():
        splits["train"], splits["val"] = _draw_validation(splits["train"])
        notes.append(
            f"no validation part: {len(splits['val'])} of the development clips were drawn with seed 0"
        )
    return CaptionSet(
        "clotho",
        [Clip(id, texts) for id, texts in captions.items()],
        listed_splits(folder, lists, captions, splits, notes),
        PUBLISHED["clotho"].protocol,
        media,
        notes,
    )


def _draw_validation(ids: list[str]) -> tuple[list[str], list[str]]:
    drawn = np.random.default_rng(0).permutation(len(ids))[: round(len(ids) * VALIDATION_SHARE)]
    chosen = {ids[number] for number in drawn}
    return [id for id in ids if id not in chosen], [id for id in ids if id in chosen]
