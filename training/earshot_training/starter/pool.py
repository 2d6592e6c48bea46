"""The pool of scenes on disk: waves, what is in them, and what the teacher hears in them.

Files in `work/`: `scenes.i16` (scenes x scene_samples int16), `scenes.json` (form and clip ids of
each scene), `teacher_probabilities.u8` (scenes x windows x 521, probability * 255) and
`teacher_embeddings.u8` (scenes x windows x 1024, the network's 8-bit average-pooled features).
Making any of them again continues where it stopped; `scenes.partial.jsonl` says how far the scenes are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from earshot_training.starter.config import StarterConfig
from earshot_training.starter.scenes import Scene, SceneMaker, Source

WAVES_FILE, INDEX_FILE, PROGRESS_FILE = "scenes.i16", "scenes.json", "scenes.partial.jsonl"
SAVE_EVERY = 256  # scenes

_maker: SceneMaker | None = None


def _start(sources: Sequence[Source], config: StarterConfig, seed_offset: int) -> None:
    global _maker
    _maker = SceneMaker(sources, config, seed_offset)


def _make(number: int) -> Scene:
    return _maker.make(number)


def build_pool(
    sources: Sequence[Source],
    config: StarterConfig,
    folder: Path,
    scenes: int,
    seed_offset: int = 0,
    processes: int = 2,
) -> None:
    """Writes `scenes` scenes to `folder`; goes on where it stopped, does nothing when they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / INDEX_FILE).exists() and len(open_entries(folder)) == scenes:
        return
    waves, lines = _unfinished(folder, scenes, config.scene_samples)
    bar = tqdm(total=scenes, initial=len(lines), desc="scenes")
    with (
        (folder / PROGRESS_FILE).open("w", encoding="utf-8") as progress,
        ProcessPoolExecutor(
            processes, initializer=_start, initargs=(sources, config, seed_offset)
        ) as workers,
    ):
        progress.writelines(lines)
        for number, scene in enumerate(
            workers.map(_make, range(len(lines), scenes), chunksize=64), len(lines)
        ):
            waves[number] = scene.samples
            lines.append(
                json.dumps({"form": scene.form, "clips": [sources[i].id for i in scene.parts]}) + "\n"
            )
            progress.write(lines[-1])
            if len(lines) % SAVE_EVERY == 0:
                waves.flush()
                progress.flush()
            bar.update()
    bar.close()
    waves.flush()
    (folder / INDEX_FILE).write_text(json.dumps([json.loads(line) for line in lines]))
    (folder / PROGRESS_FILE).unlink()


def _unfinished(folder: Path, scenes: int, scene_samples: int) -> tuple[np.memmap, list[str]]:
    """The file of waves, opened for writing, and a line for each scene that is in it already."""
    path, progress = folder / WAVES_FILE, folder / PROGRESS_FILE
    shape = (scenes, scene_samples)
    if path.exists() and progress.exists() and path.stat().st_size == scenes * scene_samples * 2:
        lines = progress.read_text(encoding="utf-8").splitlines(keepends=True)
        # The last line may have been cut off when the process was stopped.
        return np.memmap(path, np.int16, "r+", shape=shape), [line for line in lines if line.endswith("\n")]
    return np.memmap(path, np.int16, "w+", shape=shape), []


def open_waves(config: StarterConfig, folder: Path) -> np.ndarray:
    """The pool's waves, int16 [scenes, scene_samples], mapped from disk."""
    return np.memmap(folder / WAVES_FILE, np.int16, "r").reshape(-1, config.scene_samples)


def open_entries(folder: Path) -> list[dict]:
    """One `{form, clips}` per scene."""
    return json.loads((folder / INDEX_FILE).read_text())
