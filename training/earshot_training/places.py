"""Where things lie outside the repository: the shared data, and the cache of downloads and decoded audio."""

import hashlib
import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def find_shared() -> Path | None:
    """The folder of data sets, golden data and word lists: EARSHOT_SHARED, else `../shared` beside the
    repository.

    None where that folder holds no `data/`.
    """
    named = os.environ.get("EARSHOT_SHARED")
    folder = Path(named) if named else REPOSITORY.parent / "shared"
    return folder if (folder / "data").is_dir() else None


def cache_folder(name: str) -> Path:
    """A folder for what can be made again: EARSHOT_CACHE, else `~/.cache/earshot-training`, then `name`."""
    named = os.environ.get("EARSHOT_CACHE")
    folder = (Path(named) if named else Path.home() / ".cache" / "earshot-training") / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
