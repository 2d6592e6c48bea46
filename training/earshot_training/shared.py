"""Finds the shared folder (data sets, golden data, word lists), which lies outside the repository."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def find_shared() -> Path | None:
    """The folder named by EARSHOT_SHARED, else `../shared` beside the repository; None where neither holds
    data/."""
    named = os.environ.get("EARSHOT_SHARED")
    folder = Path(named) if named else REPOSITORY.parent / "shared"
    return folder if (folder / "data").is_dir() else None
