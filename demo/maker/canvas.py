"""A small painter of flat pictures: gradients, polygons, ellipses and thick lines, written as PPM.

Coordinates are in pixels of the finished picture (320 x 180, origin top left). Everything is painted
`SCALE` times larger; ffmpeg scales the picture down, which smooths the edges.
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

WIDTH, HEIGHT = 320, 180
SCALE = 3

Point = tuple[float, float]


def rgb(colour: str) -> tuple[int, int, int]:
    """`rrggbb` to three bytes."""
    return int(colour[0:2], 16), int(colour[2:4], 16), int(colour[4:6], 16)


class Canvas:
    def __init__(self) -> None:
        self._width, self._height = WIDTH * SCALE, HEIGHT * SCALE
        self._rows = [bytearray(3 * self._width) for _ in range(self._height)]

    def gradient(self, top: float, bottom: float, first: str, last: str) -> None:
        """Fills rows `top` to `bottom` with a vertical gradient."""
        start, end = round(top * SCALE), round(bottom * SCALE)
        above, below = rgb(first), rgb(last)
        for y in range(start, end):
            share = (y - start) / max(1, end - start - 1)
            pixel = bytes(round(a + (b - a) * share) for a, b in zip(above, below, strict=True))
            self._rows[y][:] = pixel * self._width

    def polygon(self, points: list[Point], colour: str) -> None:
        """Fills a polygon (even-odd rule)."""
        pixel = bytes(rgb(colour))
        corners = [(x * SCALE, y * SCALE) for x, y in points]
        edges = list(zip(corners, corners[1:] + corners[:1], strict=True))
        first = max(0, math.floor(min(y for _, y in corners)))
        last = min(self._height - 1, math.ceil(max(y for _, y in corners)))
        for row in range(first, last + 1):
            middle = row + 0.5
            crossings = sorted(
                x1 + (middle - y1) * (x2 - x1) / (y2 - y1)
                for (x1, y1), (x2, y2) in edges
                if (y1 <= middle) != (y2 <= middle)
            )
            for left, right in zip(crossings[::2], crossings[1::2], strict=True):
                start, end = max(0, round(left)), min(self._width, round(right))
                if end > start:
                    self._rows[row][3 * start : 3 * end] = pixel * (end - start)

    def rectangle(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour)

    def ellipse(
        self, x: float, y: float, radius_x: float, radius_y: float, colour: str, turn: float = 0.0
    ) -> None:
        """Ellipse around (x, y), turned clockwise by `turn` degrees."""
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        points = []
        for step in range(48):
            angle = 2 * math.pi * step / 48
            dx, dy = radius_x * math.cos(angle), radius_y * math.sin(angle)
            points.append((x + dx * cos - dy * sin, y + dx * sin + dy * cos))
        self.polygon(points, colour)

    def circle(self, x: float, y: float, radius: float, colour: str) -> None:
        self.ellipse(x, y, radius, radius, colour)

    def ring(self, x: float, y: float, radius: float, thickness: float, colour: str) -> None:
        self.line([_on_circle(x, y, radius, step / 40) for step in range(41)], thickness, colour)

    def line(self, points: list[Point], thickness: float, colour: str) -> None:
        """A thick line with round joints and ends."""
        half = thickness / 2
        for (x1, y1), (x2, y2) in pairwise(points):
            length = math.hypot(x2 - x1, y2 - y1) or 1.0
            dx, dy = -(y2 - y1) / length * half, (x2 - x1) / length * half
            self.polygon(
                [(x1 + dx, y1 + dy), (x2 + dx, y2 + dy), (x2 - dx, y2 - dy), (x1 - dx, y1 - dy)], colour
            )
        for x, y in points:
            self.circle(x, y, half, colour)

    def hills(self, base: float, height: float, waves: float, shift: float, colour: str) -> None:
        """Rolling ground from the left edge to the right, filled down to the bottom."""
        crest = [
            (x, base - height * (0.5 + 0.5 * math.sin(2 * math.pi * (waves * x / WIDTH + shift))))
            for x in range(0, WIDTH + 4, 4)
        ]
        self.polygon([*crest, (WIDTH, HEIGHT), (0, HEIGHT)], colour)

    def save(self, path: Path) -> None:
        """Writes a binary PPM, `SCALE` times the finished size."""
        header = f"P6\n{self._width} {self._height}\n255\n".encode("ascii")
        path.write_bytes(header + b"".join(self._rows))


def _on_circle(x: float, y: float, radius: float, share: float) -> Point:
    angle = 2 * math.pi * share
    return x + radius * math.cos(angle), y + radius * math.sin(angle)
