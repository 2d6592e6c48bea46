"""A plain folder of media with a manifest: a CSV file with a header, UTF-8, one line a clip or a caption.

    file        path below the media folder (needed)
    caption     a description (or `captions`: several, separated by " | ")
    split       train, val, test or any other name (needed)
    id          the clip's id (default: the path without its suffix; a part of a file also gets its start)
    start, end  the part of the file that is the clip, seconds (default: all of it)

Lines of one id add captions to one clip. All captions of a test clip are queries.
"""

from dataclasses import replace
from pathlib import Path

from earshot_training.datasets.clip import Clip
from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.protocol import Protocol
from earshot_training.datasets.raw.caption_set import CaptionSet, MediaName
from earshot_training.datasets.raw.tables import number, read_table

PROTOCOL = Protocol(text_tokens=20)
SEPARATOR = " | "


def read_manifest(path: Path) -> CaptionSet:
    """The clips of a manifest. Raises DatasetError where lines of one clip differ in file, times or split."""
    captions: dict[str, list[str]] = {}
    media: dict[str, list[MediaName]] = {}
    split_of: dict[str, str] = {}
    for line, row in read_table(path, ("file", "split")):
        if "caption" not in row and "captions" not in row:
            raise DatasetError(f"{path}: expected a column caption or captions, found {', '.join(row)}")
        start, end = (
            number(row[name], path, line, name) if row.get(name, "").strip() else None
            for name in ("start", "end")
        )
        if end is not None and end <= (start or 0):
            raise DatasetError(
                f"{path}, line {line}: expected an end after the start, found {start or 0:g} to {end:g}"
            )
        name = MediaName(row["file"].strip(), start, end, exact=True)
        id = row.get("id", "").strip() or _default_id(name)
        split = row["split"].strip()
        if media.setdefault(id, [name]) != [name] or split_of.setdefault(id, split) != split:
            raise DatasetError(
                f"{path}, line {line}: clip {id} has another file, other times or another split before"
            )
        texts = [row.get("caption", ""), *row.get("captions", "").split(SEPARATOR)]
        captions.setdefault(id, []).extend(text.strip() for text in texts if text.strip())
    splits: dict[str, list[str]] = {}
    for id, split in split_of.items():
        if not split.replace("_", "").replace("-", "").isalnum():
            raise DatasetError(f"{path}: expected the name of a split for clip {id}, found {split!r}")
        splits.setdefault(split, []).append(id)
    clips = [Clip(id, tuple(texts)) for id, texts in captions.items()]
    queries = max((len(captions[id]) for id in splits.get("test", ())), default=1)
    protocol = replace(PROTOCOL, test_captions=max(1, queries))
    return CaptionSet(path.stem, clips, splits, protocol, media)


def _default_id(name: MediaName) -> str:
    stem = str(Path(name.stem).with_suffix("").as_posix())
    return stem if name.start_seconds is None else f"{stem}_{round(name.start_seconds * 1000)}"
