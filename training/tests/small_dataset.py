"""A made-up data set of six clips, in the project's own layout."""

from pathlib import Path

import numpy as np

from earshot_training.datasets import Clip, Dataset, Protocol, write_dataset

IDS = [f"clip-{letter}" for letter in "abcdef"]
SPLITS = {"train": IDS[:3], "val": IDS[3:4], "test": IDS[4:]}
PROTOCOL = Protocol(4, {"vggish": 3, "vggsound": 5}, test_captions=2, flaky=("vggish",))
DIMS = {"vggish": 128, "vggsound": 512, "inst": 2048}


def make_clips() -> list[Clip]:
    """Training clips have one caption, the others two."""
    return [
        Clip(id, ("a dog barks",) if number < 3 else ("rain falls", "it rains on a roof"))
        for number, id in enumerate(IDS)
    ]


def make_rows(dim: int, lengths: list[int | None], seed: int = 0) -> list[np.ndarray | None]:
    """Sequences [length, dim]; None where the length is None."""
    rng = np.random.default_rng(seed)
    return [None if n is None else rng.standard_normal((n, dim)).astype(np.float32) for n in lengths]


def make_experts() -> dict:
    """VGGish lacks clip c, Inst lacks clip e; lengths lie below and above the limits."""
    inst = [None if row is None else row[0] for row in make_rows(2048, [1, 1, 1, 1, None, 1], 3)]
    return {
        "vggish": ("sequence", 128, make_rows(128, [2, 5, None, 3, 1, 4], 1)),
        "vggsound": ("sequence", 512, make_rows(512, [5, 9, 1, 2, 7, 5], 2)),
        "inst": ("average", 2048, inst),
    }


def make_words() -> tuple[int, list[np.ndarray]]:
    """Vectors of 8 numbers for the nine captions, one to six words each."""
    rng = np.random.default_rng(5)
    return 8, [rng.standard_normal((count, 8)).astype(np.float32) for count in (1, 2, 3, 4, 5, 6, 2, 1, 3)]


def make_dataset(folder: Path, **options) -> Dataset:
    return write_dataset(
        folder, "made-up", make_clips(), SPLITS, PROTOCOL, make_experts(), make_words(), **options
    )
