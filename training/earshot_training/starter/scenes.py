"""Training scenes: one segment of audio each, made from one to three real clips.

A scene is what the runtime will embed: `StarterConfig.scene_samples` samples of 16 kHz mono. It is a
pure function of (seed, number), so a pool can be made again, in any order and by any number of
processes. Scenes vary level, speed, tone, room and background noise, because the videos of other
people vary in them and the few thousand clips do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earshot_training.frontend import SAMPLE_RATE
from earshot_training.starter.config import StarterConfig

FORMS = SINGLE, WHILE, FOLLOWED, THREE = "single", "while", "followed", "three"
SOUNDS_IN = {SINGLE: 1, WHILE: 2, FOLLOWED: 2, THREE: 3}


@dataclass(frozen=True)
class Source:
    """One recording that scenes are made of: `samples` int16 mono, `kind` its main label."""

    id: str
    kind: str
    samples: np.ndarray


@dataclass(frozen=True)
class Scene:
    """`samples` int16 [scene_samples]; `parts` the indices of its sources, in the order they are heard."""

    samples: np.ndarray
    form: str
    parts: tuple[int, ...]


class SceneMaker:
    """Makes scene number i of a pool from the given sources, which need at least three kinds."""

    def __init__(self, sources: Sequence[Source], config: StarterConfig, seed_offset: int = 0):
        self.sources = sources
        self.config = config
        self.seed = config.seed + 7919 * seed_offset
        kinds = sorted({source.kind for source in sources})
        self.by_kind = [[i for i, s in enumerate(sources) if s.kind == kind] for kind in kinds]
        weights = np.array([len(members) for members in self.by_kind], float) ** config.kind_balance
        self.kind_weights = weights / weights.sum()

    def make(self, number: int) -> Scene:
        """Scene `number` of the pool."""
        rng = np.random.default_rng([self.seed, number])
        shares = np.cumsum([self.config.single_share, self.config.while_share, self.config.followed_share])
        form = FORMS[int(np.searchsorted(shares, rng.random(), side="right"))]
        kinds = rng.choice(len(self.by_kind), size=SOUNDS_IN[form], replace=False, p=self.kind_weights)
        parts = tuple(int(rng.choice(self.by_kind[kind])) for kind in kinds)
        return Scene(_finish(self._mix(form, parts, rng), rng), form, parts)

    def _mix(self, form: str, parts: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """The sounds of a scene at once or in turn, each at a level of its own; float32 [scene_samples]."""
        length = self.config.scene_samples
        mix = np.zeros(length, np.float32)
        for place, part in enumerate(parts):
            sound = self._take(self.sources[part].samples, rng)
            if form == FOLLOWED:
                start, end = _turn(place, length, rng)
                piece = _fit(sound, end - start, rng)
                mix[start:end] += piece * _gain_to(piece, rng.uniform(-26, -16))
            else:
                piece = _fit(sound, length, rng)
                mix += piece * _gain_to(piece, rng.uniform(-28, -16) if len(parts) > 1 else -20)
        return mix

    def _take(self, samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A stretch of the recording that is not silence, at a slightly changed speed."""
        length = self.config.scene_samples
        x = samples.astype(np.float32) / 32768
        if len(x) > length:
            loudest = _window_rms(x).max()
            for _ in range(6):
                start = int(rng.integers(0, len(x) - length + 1))
                piece = x[start : start + length]
                if _window_rms(piece).max() > 0.1 * loudest:
                    break
            x = piece
        if rng.random() < 0.5:
            speed = rng.uniform(0.9, 1.12)
            x = np.interp(np.arange(0, len(x) - 1, speed), np.arange(len(x)), x).astype(np.float32)
        return x


def _turn(place: int, length: int, rng: np.random.Generator) -> tuple[int, int]:
    """Where the first or the second of two sounds that follow each other is heard."""
    middle = int(length * rng.uniform(0.4, 0.6))
    return (0, middle) if place == 0 else (middle, length)


def _fit(x: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """Cuts, repeats or places a sound in `length` samples."""
    if len(x) >= length:
        start = int(rng.integers(0, len(x) - length + 1))
        return x[start : start + length]
    out = np.zeros(length, np.float32)
    if len(x) < length // 2 and rng.random() < 0.4:
        step = len(x) + int(rng.uniform(0.02, 0.6) * SAMPLE_RATE)
        starts = list(range(int(rng.integers(0, step)), length, step))
    else:
        starts = [int(rng.integers(0, length - len(x) + 1)) if rng.random() < 0.7 else 0]
    for start in starts:
        end = min(length, start + len(x))
        out[start:end] += x[: end - start]
    return out


def _window_rms(x: np.ndarray, window: int = 4_000) -> np.ndarray:
    """The loudness of each quarter second."""
    count = max(1, len(x) // window)
    return np.sqrt(np.mean(np.square(x[: count * window].reshape(count, -1)), axis=1) + 1e-12)


def _gain_to(x: np.ndarray, level_db: float) -> float:
    """The factor that brings the sound's loudest quarter second to `level_db` dBFS."""
    return float(10 ** (level_db / 20) / max(_window_rms(x).max(), 1e-4))


def _finish(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Room, tone, noise and level of a whole scene; int16."""
    if rng.random() < 0.15:
        x = _in_a_room(x, rng)
    if rng.random() < 0.5:
        x = _change_tone(x, rng)
    if rng.random() < 0.35:
        x = _add_noise(x, rng)
    x = x * 10 ** (rng.uniform(-18, 8) / 20)
    return np.clip(np.round(x * 32767), -32768, 32767).astype(np.int16)


def _in_a_room(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Convolves with a made-up room: the direct sound and a tail of noise that falls by 60 dB."""
    tail = int(rng.uniform(0.1, 0.5) * SAMPLE_RATE)
    room = rng.standard_normal(tail).astype(np.float32) * np.exp(-6.9 * np.arange(tail) / tail)
    room *= rng.uniform(0.1, 0.4) / np.sqrt(np.sum(room**2))
    room[0] += 1
    size = 1 << (len(x) + tail).bit_length()
    return np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(room, size), size)[: len(x)].astype(np.float32)


def _change_tone(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A smooth random equaliser; now and then a low-pass, as of a poor microphone."""
    spectrum = np.fft.rfft(x)
    frequency = np.linspace(0, SAMPLE_RATE // 2, len(spectrum))
    knots = np.linspace(np.log(50), np.log(8_050), 6)
    decibels = np.interp(np.log(frequency + 50), knots, rng.normal(0, 4, 6))
    spectrum = spectrum * 10 ** (decibels / 20)
    if rng.random() < 0.25:
        spectrum = spectrum / (1 + (frequency / rng.uniform(2_500, 7_500)) ** 8)
    return np.fft.irfft(spectrum, len(x)).astype(np.float32)


def _add_noise(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """White to pink noise, 12 to 40 dB below the scene's loudest quarter second."""
    noise = np.fft.rfft(rng.standard_normal(len(x)))
    noise /= np.maximum(np.linspace(0, SAMPLE_RATE // 2, len(noise)), 40) ** rng.uniform(0, 1)
    noise = np.fft.irfft(noise, len(x)).astype(np.float32)
    return x + noise * _gain_to(noise, 20 * np.log10(_window_rms(x).max()) - rng.uniform(12, 40))
