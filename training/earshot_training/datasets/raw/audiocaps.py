"""AudioCaps: train.csv, val.csv, test.csv (reference fact 6.2). Clips are 10 s of YouTube videos."""

from pathlib import Path

from earshot_training.datasets.clip import Clip
from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.published.catalogue import PUBLISHED
from earshot_training.datasets.raw.caption_set import CaptionSet, MediaName, listed_splits
from earshot_training.datasets.raw.tables import number, read_table

COLUMNS = ("audiocap_id", "youtube_id", "start_time", "caption")
CLIP_SECONDS = 10.0
FILES = {"train": "train.csv", "val": "val.csv", "test": "test.csv"}


def is_audiocaps(folder: Path) -> bool:
    """Whether a folder has a file of AudioCaps."""
    path = folder / FILES["test"]
    if not path.is_file():
        return False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return file.readline().startswith("audiocap_id,")


def read_audiocaps(folder: Path) -> CaptionSet:
    """Clips of the CSV files that are there; ids are `<YouTube id>_<start in milliseconds>`, as in the
    archives.

    Media may be called by the clip's id, `<YouTube id>_<start in seconds>` or a caption's number, or be the
    whole video, called by its YouTube id. The published lists are used where they lie in the same folder.
    Raises DatasetError for a file that is no such table, or a clip in two splits.
    """
    captions: dict[str, list[str]] = {}
    media: dict[str, list[MediaName]] = {}
    splits: dict[str, list[str]] = {}
    for split, file in FILES.items():
        path = folder / file
        if not path.is_file():
            continue
        before = set(captions)
        splits[split] = []
        for line, row in read_table(path, COLUMNS):
            start = number(row["start_time"], path, line, "start_time")
            video = row["youtube_id"].strip()
            id = f"{video}_{round(start * 1000)}"
            if id in before:
                raise DatasetError(f"{path}, line {line}: clip {id} is in another split, too")
            if id not in captions:
                captions[id] = []
                splits[split].append(id)
                media[id] = [MediaName(id), MediaName(f"{video}_{start:g}")]
            captions[id].append(row["caption"].strip())
            media[id].append(MediaName(row["audiocap_id"].strip()))
    for id, names in media.items():
        video, start = id.rsplit("_", 1)
        names.append(MediaName(video, int(start) / 1000, int(start) / 1000 + CLIP_SECONDS))
    published, notes = PUBLISHED["audiocaps"], []
    lists = {**published.lists, **published.optional_lists}
    return CaptionSet(
        "audiocaps",
        [Clip(id, tuple(texts)) for id, texts in captions.items()],
        listed_splits(folder, lists, captions, splits, notes),
        published.protocol,
        media,
        notes,
    )
