"""Where the tests find their numbers: the small arrays committed here, and the shared data where it is at
hand."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot_training.places import find_shared

SHARED = find_shared()
COMMITTED = Path(__file__).parent / "golden"

needs_shared = pytest.mark.skipif(
    SHARED is None, reason="SHARED DATA IS MISSING: set EARSHOT_SHARED or put it at ../shared"
)


def golden(path: str) -> Path:
    """A file below shared/data/golden."""
    return SHARED / "data" / "golden" / path


def golden_arrays(path: str) -> dict[str, np.ndarray]:
    with np.load(golden(path)) as arrays:
        return {name: arrays[name] for name in arrays.files}


def golden_json(path: str) -> dict:
    return json.loads(golden(path).read_text())


def committed_arrays(name: str) -> dict[str, np.ndarray]:
    """Arrays committed with the tests (tests/golden/NAME.npz), made by tests/make_golden.py."""
    with np.load(COMMITTED / f"{name}.npz") as arrays:
        return {key: arrays[key] for key in arrays.files}


@pytest.fixture(autouse=True)
def one_thread_and_a_seed():
    torch.set_num_threads(1)
    torch.manual_seed(0)
