"""The pictures: one flat scene a video, in the upper 130 rows; the panel below shows the sound."""

from __future__ import annotations

from collections.abc import Callable

from . import indoors, outdoors
from .canvas import Canvas

SCENES: dict[str, Callable[[Canvas], None]] = {
    "farm": outdoors.farm,
    "gate": outdoors.gate,
    "storm": outdoors.storm,
    "village": outdoors.village,
    "chimes": outdoors.chimes,
    "bicycle": outdoors.bicycle,
    "stable": outdoors.stable,
    "crow": outdoors.crow,
    "campfire": outdoors.campfire,
    "quarry": outdoors.quarry,
    "cello": indoors.cello,
    "woodshed": indoors.woodshed,
    "drums": indoors.drums,
    "machine": indoors.machine,
    "camera": indoors.camera,
}
