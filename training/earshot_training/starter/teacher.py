"""YAMNet as the teacher: soft targets for the experts, and the yardstick they are measured against.

Needs the extra `teacher` (TensorFlow's TFLite interpreter). Input windows are 15,600 samples of 16 kHz
mono in [-1, 1]; outputs are 521 independent probabilities and, one layer below, 1,024 averaged features.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from tqdm import tqdm

CLASSES = 521
FEATURES = 1024
WINDOW = 15_600


class Teacher:
    """One single-threaded interpreter."""

    def __init__(self, model: Path):
        import tensorflow as tf

        self.interpreter = tf.lite.Interpreter(
            str(model), num_threads=1, experimental_preserve_all_tensors=True
        )
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]["index"]
        self.output = self.interpreter.get_output_details()[0]["index"]
        names = {detail["name"]: detail for detail in self.interpreter.get_tensor_details()}
        features = names["tower0/network/layer28/reduce_mean"]
        self.features = features["index"]

    def __call__(self, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """float32 [15600] -> probabilities float32 [521], features uint8 [1024] (0 is zero)."""
        self.interpreter.set_tensor(self.input, window)
        self.interpreter.invoke()
        features = self.interpreter.get_tensor(self.features).reshape(-1).astype(np.int16) + 128
        return self.interpreter.get_tensor(self.output)[0], features.astype(np.uint8)


def class_names(class_map: Path) -> list[str]:
    """The 521 display names of yamnet_class_map.csv, in order."""
    with class_map.open(newline="", encoding="utf-8") as file:
        return [row["display_name"] for row in csv.DictReader(file)]


def teach(model: Path, waves: np.ndarray, hop: int, windows: int, folder: Path, part: tuple[int, int]) -> None:
    """Runs the teacher on every window of the scenes `part[0], part[0] + part[1], ...` (several processes share a pool)."""
    scenes = len(waves)
    shapes = {"teacher_probabilities.u8": (scenes, windows, CLASSES), "teacher_embeddings.u8": (scenes, windows, FEATURES)}
    stores = []
    for name, shape in shapes.items():
        path = folder / name
        if not path.exists() or path.stat().st_size != int(np.prod(shape)):
            np.memmap(path, np.uint8, "w+", shape=shape).flush()
        stores.append(np.memmap(path, np.uint8, "r+", shape=shape))
    done_file = folder / f"teacher_done_{part[0]}_of_{part[1]}"
    done = int(done_file.read_text()) if done_file.exists() else 0
    teacher = Teacher(model)
    numbers = range(part[0], scenes, part[1])
    for count, number in enumerate(tqdm(numbers, desc=f"teacher {part[0] + 1}/{part[1]}")):
        if count < done:
            continue
        wave = waves[number].astype(np.float32) / 32768
        for window in range(windows):
            probabilities, features = teacher(wave[window * hop : window * hop + WINDOW])
            stores[0][number, window] = np.round(probabilities * 255)
            stores[1][number, window] = features
        if count % 500 == 499:
            done_file.write_text(str(count + 1))
    for store in stores:
        store.flush()
    done_file.write_text(str(len(numbers)))
