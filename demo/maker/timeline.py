"""The words the recipe is written in: clips make up sounds, sounds make up videos."""

from __future__ import annotations

from dataclasses import dataclass

from .sources import Source


@dataclass(frozen=True)
class Clip:
    """Seconds `start` to `end` of a source, placed `offset` seconds after the sound begins."""

    source: Source
    offset: float = 0.0
    start: float = 0.0
    end: float | None = None
    gain_db: float = 0.0
    fade_in: float = 0.01
    fade_out: float = 0.05
    filters: str = ""


@dataclass(frozen=True)
class Heard:
    """An event inside a longer recording, timed by hand: seconds after the sound begins."""

    label: str
    start: float
    end: float


@dataclass(frozen=True)
class Sound:
    """One event of a video; `level_db` is the RMS level its loud parts are brought to."""

    label: str
    at: float
    clips: tuple[Clip, ...]
    level_db: float = -20.0
    heard: tuple[Heard, ...] = ()


@dataclass(frozen=True)
class Query:
    """A query, and the labels of the events that answer it: the moment runs from the first to the last."""

    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Video:
    """One demo video. `scene` names the picture in scenes.py."""

    file: str
    title: str
    seconds: float
    scene: str
    sounds: tuple[Sound, ...]
    queries: tuple[Query, ...] = ()
    room_tone_db: float = -60.0
