"""The pool of scenes on disk: waves, what is in them, and what the teacher hears in them.

Files in `work/`: `scenes.i16` (scenes x scene_samples int16), `scenes.json` (form and clip ids of
each scene), `teacher_probabilities.u8` (scenes x windows x 521, probability * 255) and
`teacher_embeddings.u8` (scenes x windows x 1024, the network's 8-bit average-pooled features).
Making any of them again continues where it stopped.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Sequence

import numpy as np
from tqdm import tqdm

from .config import StarterConfig
from .scenes import SceneMaker, Source

_maker: SceneMaker | None = None


def _start(sources: Sequence[Source], config: StarterConfig, seed_offset: int) -> None:
    global _maker
    _maker = SceneMaker(sources, config, seed_offset)


def _make(number: int):
    scene = _maker.make(number)
    return number, scene.samples, scene.form, scene.parts


def build_pool(
    sources: Sequence[Source], config: StarterConfig, folder: Path, scenes: int, seed_offset: int = 0, processes: int = 2
) -> None:
    """Writes `scenes` scenes to `folder`; does nothing when they are there already."""
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "scenes.json"
    if index.exists() and len(json.loads(index.read_text())) == scenes:
        return
    waves = np.memmap(folder / "scenes.i16", np.int16, "w+", shape=(scenes, config.scene_samples))
    entries: list[dict] = [{}] * scenes
    with ProcessPoolExecutor(processes, initializer=_start, initargs=(sources, config, seed_offset)) as workers:
        for number, samples, form, parts in tqdm(
            workers.map(_make, range(scenes), chunksize=64), total=scenes, desc="scenes"
        ):
            waves[number] = samples
            entries[number] = {"form": form, "clips": [sources[part].id for part in parts]}
    waves.flush()
    index.write_text(json.dumps(entries))


def open_waves(config: StarterConfig, folder: Path) -> np.ndarray:
    """The pool's waves, int16 [scenes, scene_samples], mapped from disk."""
    return np.memmap(folder / "scenes.i16", np.int16, "r").reshape(-1, config.scene_samples)


def open_entries(folder: Path) -> list[dict]:
    """One `{form, clips}` per scene."""
    return json.loads((folder / "scenes.json").read_text())
