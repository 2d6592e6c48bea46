"""Reads what is said in clips: transcripts by clip id, or subtitles of the recordings that clips are cut
from."""

import csv
import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from earshot_training.datasets import Clip
from earshot_training.errors import MendableError

_TIMES = re.compile(r"((?:\d+:)?\d\d:\d\d\.\d{3})\s+-->\s+((?:\d+:)?\d\d:\d\d\.\d{3})")
_TAG = re.compile(r"<[^>]*>")
_TEXT_COLUMNS = ("text", "transcript", "speech")


class TranscriptError(MendableError):
    """Transcripts that cannot be read. The message says what was expected and found."""


@dataclass(frozen=True)
class Cue:
    """A line of subtitles and when it is said, in seconds of the recording."""

    start: float
    end: float
    text: str


def read_transcripts(path: Path, clips: Iterable[Clip]) -> dict[str, str]:
    """What is said in each clip, for those of which something is known.

    A JSON file holds an object from clip id to text; a CSV file has a column `id` and one called text,
    transcript or speech (several lines of one clip are joined). A folder holds WebVTT subtitles: `ID.vtt`
    of a whole clip, or `MEDIA.vtt` (also `MEDIA.en.vtt`) of the recording it is cut from, of which the
    lines within its time count. Raises TranscriptError.
    """
    if not path.exists():
        raise TranscriptError(f"{path}: expected a JSON or CSV file or a folder of .vtt files, found nothing")
    try:
        if path.is_dir():
            return _read_folder(path, clips)
        if path.suffix == ".json":
            return _read_json(path)
        if path.suffix == ".csv":
            return _read_csv(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise TranscriptError(f"{path}: expected text in UTF-8, found something else ({error})") from None
    raise TranscriptError(f"{path}: expected a .json or .csv file or a folder of .vtt files")


def _read_json(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TranscriptError(f"{path} is no JSON: {error}") from None
    if not isinstance(content, dict) or not all(isinstance(text, str) for text in content.values()):
        raise TranscriptError(f"{path}: expected an object from clip ids to texts")
    return content


def _read_csv(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        column = next((name for name in _TEXT_COLUMNS if name in columns), None)
        if "id" not in columns or column is None:
            raise TranscriptError(
                f"{path}: expected a column id and one of {', '.join(_TEXT_COLUMNS)}, found "
                f"{', '.join(columns) or 'no columns'}"
            )
        texts: dict[str, str] = {}
        for row in reader:
            texts[row["id"]] = f"{texts.get(row['id'], '')} {row[column] or ''}".strip()
    return texts


def _read_folder(folder: Path, clips: Iterable[Clip]) -> dict[str, str]:
    files = {path.name: path for path in sorted(folder.glob("*.vtt"))}
    if not files:
        raise TranscriptError(f"{folder}: expected files that end in .vtt, found none")
    texts: dict[str, str] = {}
    read: dict[str, list[Cue]] = {}
    for clip in clips:
        own = files.get(f"{clip.id}.vtt")
        path = own or (_of_media(Path(clip.media).stem, files) if clip.media else None)
        if path is None:
            continue
        if path.name not in read:
            read[path.name] = parse_vtt(path.read_text(encoding="utf-8-sig"), path.name)
        cues = read[path.name] if own else _within(read[path.name], clip)
        texts[clip.id] = " ".join(cue.text for cue in cues)
    return texts


def _of_media(stem: str, files: Mapping[str, Path]) -> Path | None:
    """The subtitles of a recording, perhaps with a language in their name."""
    exact = files.get(f"{stem}.vtt")
    return exact or next((path for name, path in files.items() if name.startswith(f"{stem}.")), None)


def _within(cues: list[Cue], clip: Clip) -> list[Cue]:
    """The lines of which at least half is said within a clip."""
    start, end = clip.start_seconds or 0.0, clip.end_seconds or float("inf")
    return [cue for cue in cues if start <= (cue.start + cue.end) / 2 < end]


def parse_vtt(text: str, name: str) -> list[Cue]:
    """The lines of WebVTT subtitles, without mark-up; a line that repeats the one before it is left out.

    Raises TranscriptError where the text is no WebVTT.
    """
    blocks = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n").strip())
    if not re.match(r"WEBVTT(\s|$)", blocks[0]):
        raise TranscriptError(f"{name}: expected WebVTT, which begins with WEBVTT, found {blocks[0][:20]!r}")
    cues: list[Cue] = []
    last = ""
    for block in blocks:
        lines = block.split("\n")
        number = next((i for i, line in enumerate(lines) if _TIMES.search(line)), None)
        if number is None:  # the header, a note, a style
            continue
        start, end = map(_seconds, _TIMES.search(lines[number]).groups())
        for line in lines[number + 1 :]:
            plain = " ".join(html.unescape(_TAG.sub("", line)).split())
            if plain and plain != last:
                cues.append(Cue(start, end, plain))
                last = plain
    return cues


def _seconds(time: str) -> float:
    """ "01:02:03.500" or "02:03.500" in seconds."""
    parts = [float(part) for part in time.split(":")]
    return sum(part * 60**power for power, part in enumerate(reversed(parts)))
