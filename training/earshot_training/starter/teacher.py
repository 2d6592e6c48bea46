"""YAMNet as the teacher: soft targets for the experts, and the yardstick they are measured against.

Needs the extra `teacher` (TensorFlow's TFLite interpreter). Input windows are 15,600 samples of 16 kHz
mono in [-1, 1]; outputs are 521 independent probabilities and, one layer below, 1,024 averaged features.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from tqdm import tqdm

TEACHER_FILE, CLASSES_FILE = "yamnet-classification.tflite", "yamnet_class_map.csv"
CLASSES = 521
FEATURES = 1024
WINDOW = 15_600

# What it hears in a pool of scenes; see `pool.py`.
PROBABILITIES_FILE, FEATURES_FILE = "teacher_probabilities.u8", "teacher_embeddings.u8"
SAVE_EVERY = 500  # scenes


class Teacher:
    """One single-threaded interpreter. Raises ImportError where the extra `teacher` is not installed."""

    def __init__(self, model: Path):
        try:
            import tensorflow as tf
        except ImportError as missing:
            raise ImportError("YAMNet needs TensorFlow: pip install -e 'training[teacher]'") from missing
        self.interpreter = tf.lite.Interpreter(
            str(model), num_threads=1, experimental_preserve_all_tensors=True
        )
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]["index"]
        self.output = self.interpreter.get_output_details()[0]["index"]
        tensors = {detail["name"]: detail["index"] for detail in self.interpreter.get_tensor_details()}
        self.features = tensors["tower0/network/layer28/reduce_mean"]

    def __call__(self, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """float32 [15600] -> probabilities float32 [521], features uint8 [1024] (0 is zero)."""
        self.interpreter.set_tensor(self.input, window)
        self.interpreter.invoke()
        features = self.interpreter.get_tensor(self.features).reshape(-1).astype(np.int16) + 128
        return self.interpreter.get_tensor(self.output)[0], features.astype(np.uint8)

    def clip(self, samples: np.ndarray) -> np.ndarray:
        """float32 samples of a whole clip -> its mean probabilities [521], windows half overlapping."""
        samples = np.pad(samples, (0, max(0, WINDOW - len(samples))))
        starts = range(0, len(samples) - WINDOW + 1, WINDOW // 2)
        return np.mean([self(samples[start : start + WINDOW])[0] for start in starts], axis=0)


def class_names(class_map: Path) -> list[str]:
    """The 521 display names of yamnet_class_map.csv, in order."""
    with class_map.open(newline="", encoding="utf-8") as file:
        return [row["display_name"] for row in csv.DictReader(file)]


def prepare_teaching(folder: Path, scenes: int, windows: int) -> None:
    """Makes the files that `teach` fills.

    Files of another size, and the notes how far they were filled, are dropped.
    """
    for name, width in ((PROBABILITIES_FILE, CLASSES), (FEATURES_FILE, FEATURES)):
        path, size = folder / name, scenes * windows * width
        if not path.exists() or path.stat().st_size != size:
            np.memmap(path, np.uint8, "w+", shape=size).flush()
            for done in folder.glob("teacher_done_*"):
                done.unlink()


def open_teaching(folder: Path, windows: int, mode: str = "r") -> tuple[np.memmap, np.memmap]:
    """Probabilities uint8 [scenes, windows, 521] and features uint8 [scenes, windows, 1024], from disk."""
    probabilities = np.memmap(folder / PROBABILITIES_FILE, np.uint8, mode)
    features = np.memmap(folder / FEATURES_FILE, np.uint8, mode)
    return probabilities.reshape(-1, windows, CLASSES), features.reshape(-1, windows, FEATURES)


def teach(
    model: Path, waves: np.ndarray, hop: int, windows: int, folder: Path, part: tuple[int, int]
) -> None:
    """Runs the teacher on the scenes `part[0], part[0] + part[1], ...`; goes on where it stopped.

    Several processes share a pool in this way. `prepare_teaching` has to have made the files.
    """
    probabilities, features = open_teaching(folder, windows, "r+")
    done_file = folder / f"teacher_done_{part[0]}_of_{part[1]}"
    done = int(done_file.read_text()) if done_file.exists() else 0
    numbers = range(part[0], len(waves), part[1])
    if done >= len(numbers):
        return
    teacher = Teacher(model)
    bar = tqdm(numbers[done:], desc=f"teacher {part[0] + 1}/{part[1]}", initial=done, total=len(numbers))
    for count, number in enumerate(bar, start=done + 1):
        wave = waves[number].astype(np.float32) / 32768
        for window in range(windows):
            heard, averaged = teacher(wave[window * hop : window * hop + WINDOW])
            probabilities[number, window] = np.round(heard * 255)
            features[number, window] = averaged
        if count % SAVE_EVERY == 0 or count == len(numbers):
            probabilities.flush()
            features.flush()
            done_file.write_text(str(count))
