"""Sound: decoding with ffmpeg, levelling, and mixing the sound track of a video.

All sound is mono, 48 kHz, 32-bit float in an `array('f')`; full scale is 1.0; levels are in dBFS.
"""

from __future__ import annotations

import math
import random
import subprocess
from array import array
from dataclasses import dataclass
from operator import add, mul
from pathlib import Path

RATE = 48_000
FRAME = RATE // 50  # 20 ms: the step of every level measurement
PEAK_LIMIT_DB = -2.0
# A sound lasts from the first to the last frame which is less than this below its loudest frame.
AUDIBLE_DB = -32.0
# Frames this far below the loudest one do not count for the level of a sound.
ACTIVE_DB = -25.0


@dataclass(frozen=True)
class Placed:
    """A sound with its level set: `samples` start at `at` seconds of the video."""

    at: float
    samples: array


def decode(file: Path, start: float = 0.0, end: float | None = None, filters: str = "") -> array:
    """Decodes seconds `start` to `end` of a file to mono, 48 kHz; `filters` is an ffmpeg filter chain."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(file), "-map", "0:a:0"]
    cut = f"atrim=start={start}" + ("" if end is None else f":end={end}")
    chain = [cut, "asetpts=PTS-STARTPTS", *([filters] if filters else [])]
    command += ["-af", ",".join(chain), "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    return array("f", subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def decibels(value: float) -> float:
    return 20 * math.log10(value) if value > 0 else -200.0


def frame_levels(samples: array) -> list[float]:
    """Level of each 20 ms frame, RMS in dBFS."""
    levels = []
    for start in range(0, len(samples), FRAME):
        frame = samples[start : start + FRAME]
        levels.append(decibels(math.sqrt(sum(map(mul, frame, frame)) / len(frame))))
    return levels


def audible_span(samples: array) -> tuple[float, float]:
    """First and last second at which the sound is heard, relative to the start of `samples`."""
    levels = frame_levels(samples)
    floor = max(levels) + AUDIBLE_DB
    heard = [index for index, level in enumerate(levels) if level >= floor]
    return heard[0] * FRAME / RATE, min((heard[-1] + 1) * FRAME, len(samples)) / RATE


def levelled(samples: array, level_db: float) -> array:
    """Brings the active frames to `level_db` RMS, or as near to it as the peak limit allows."""
    levels = frame_levels(samples)
    floor = max(levels) + ACTIVE_DB
    active = [10 ** (level / 10) for level in levels if level >= floor]
    gain_db = level_db - 10 * math.log10(sum(active) / len(active))
    peak_db = decibels(max(max(samples), -min(samples)))
    gain = 10 ** (min(gain_db, PEAK_LIMIT_DB - peak_db) / 20)
    return array("f", [value * gain for value in samples])


def faded(samples: array, fade_in: float, fade_out: float) -> array:
    """Fades the beginning and the end along a quarter sine."""
    result = samples[:]
    for length, index_of in ((fade_in, lambda i: i), (fade_out, lambda i: len(samples) - 1 - i)):
        count = min(int(length * RATE), len(samples))
        for i in range(count):
            result[index_of(i)] *= math.sin(math.pi / 2 * i / count)
    return result


def room_tone(seconds: float, level_db: float, seed: int) -> array:
    """Quiet low noise, as a microphone hears in a silent place, so that no video is digitally silent."""
    noise = random.Random(seed)
    samples = array("f")
    value = 0.0
    for _ in range(int(seconds * RATE)):
        value += 0.04 * (noise.uniform(-1, 1) - value)
        samples.append(value)
    return levelled(samples, level_db)


def joined(parts: list[Placed]) -> array:
    """Sums sounds into one track that ends with the last of them; `at` counts from its beginning."""
    length = max(round(part.at * RATE) + len(part.samples) for part in parts)
    track = array("f", bytes(4 * length))
    for part in parts:
        start = round(part.at * RATE)
        end = start + len(part.samples)
        track[start:end] = array("f", map(add, track[start:end], part.samples))
    return track


def limited(track: array) -> array:
    """Turns the whole track down if its peak is above the limit."""
    peak_db = decibels(max(max(track), -min(track)))
    if peak_db <= PEAK_LIMIT_DB:
        return track
    gain = 10 ** ((PEAK_LIMIT_DB - peak_db) / 20)
    return array("f", [value * gain for value in track])
