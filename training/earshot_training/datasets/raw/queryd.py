"""QuerYD, whole videos and segments: pickled captions, their times, and lists (reference fact 6.2)."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from earshot_training.datasets.clip import Clip
from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.published.captions import read_captions
from earshot_training.datasets.published.catalogue import PUBLISHED
from earshot_training.datasets.published.feature_file import text_keys
from earshot_training.datasets.published.pickles import read_pickle
from earshot_training.datasets.raw.caption_set import CaptionSet, MediaName, listed_splits
from earshot_training.datasets.raw.tables import read_json

_VIDEO_ID = re.compile(r"(?:video-)?([\w-]{11})")


def _find(folder: Path, stem: str) -> Path | None:
    """A file of that name, or of its newest version, pickled or as JSON."""
    found = [
        path
        for end in ("", "-v2", "-v1")
        for kind in (".pkl", ".json")
        if (path := folder / f"{stem}{end}{kind}").is_file()
    ]
    return found[0] if found else None


def is_queryd(folder: Path) -> bool:
    """Whether a folder has the captions of QuerYD's whole videos."""
    return _find(folder, "raw_captions_combined_filtered") is not None


def is_queryd_segments(folder: Path) -> bool:
    """Whether a folder has the captions of QuerYD's segments."""
    return _find(folder, "split_raw_captions_filtered") is not None


def read_queryd(folder: Path) -> CaptionSet:
    """Whole videos with all descriptions of what is seen, in order. Ids are `video-<YouTube id>`."""
    return _read(folder, "queryd", "raw_captions_combined_filtered", _video_names)


def read_queryd_segments(folder: Path) -> CaptionSet:
    """Segments with one description each. Ids are `<YouTube id>-<segment id>`.

    Media are called by the clip's id; or they are whole videos, where the times of the segments are known.
    """
    return _read(folder, "queryd-segments", "split_raw_captions_filtered", _segment_names)


def _video_names(id: str, times: list[tuple[float, float]] | None) -> list[MediaName]:
    video = _VIDEO_ID.match(id)
    return [MediaName(id), *([MediaName(video.group(1))] if video else [])]


def _segment_names(id: str, times: list[tuple[float, float]] | None) -> list[MediaName]:
    video = _VIDEO_ID.match(id)
    return [MediaName(id), *([MediaName(video.group(1), *times[0])] if video and times else [])]


def _read(
    folder: Path,
    name: str,
    stem: str,
    names: Callable[[str, list[tuple[float, float]] | None], list[MediaName]],
) -> CaptionSet:
    path = _find(folder, stem)
    if path is None:
        raise DatasetError(f"{folder / stem}.pkl is missing")
    captions = read_captions(path) if path.suffix == ".pkl" else _json_captions(path)
    times_file = _find(folder, stem.replace("raw_captions", "times_captions"))
    times = _times(times_file) if times_file else {}
    notes = [] if times_file else ["no times of the captions"]
    clips = []
    for id, tokens in captions.items():
        moments = times.get(id)
        if moments is not None and len(moments) != len(tokens):
            raise DatasetError(
                f"{times_file}: expected {len(tokens)} times of {id}, one a caption, found {len(moments)}"
            )
        clips.append(
            Clip(
                id,
                tuple(map(" ".join, tokens)),
                tuple(map(tuple, tokens)),
                moments=tuple(moments) if moments else None,
            )
        )
    published = PUBLISHED[name]
    splits = listed_splits(folder, published.lists, captions, {}, notes)
    if not splits:
        raise DatasetError(f"{folder}: expected the lists {', '.join(published.lists.values())}, found none")
    media = {id: names(id, times.get(id)) for id in captions}
    return CaptionSet(name, clips, splits, published.protocol, media, notes)


def _json_captions(path: Path) -> dict[str, list[list[str]]]:
    content = read_json(path)
    if not isinstance(content, dict) or not all(isinstance(captions, list) for captions in content.values()):
        raise DatasetError(f"{path}: expected an object from clip ids to lists of captions")
    return {
        id: [caption.split() if isinstance(caption, str) else list(map(str, caption)) for caption in captions]
        for id, captions in content.items()
    }


def _times(path: Path) -> dict[str, list[tuple[float, float]]]:
    """Clip id -> start and end of each caption, seconds."""
    content = read_pickle(path) if path.suffix == ".pkl" else read_json(path)
    if not isinstance(content, dict):
        raise DatasetError(f"{path}: expected a dict of times, found {type(content).__name__}")
    times = text_keys(content, path)
    for id, moments in times.items():
        if not isinstance(moments, list | tuple):
            raise DatasetError(f"{path}: expected a list of times of {id}, found {moments!r:.60}")
    return {id: [_moment(moment, id, path) for moment in moments] for id, moments in times.items()}


def _moment(moment: Any, id: str, path: Path) -> tuple[float, float]:
    try:
        start, end = (float(time) for time in moment)
    except (TypeError, ValueError):
        raise DatasetError(
            f"{path}: expected start and end of each caption of {id}, found {moment!r:.60}"
        ) from None
    return start, end
