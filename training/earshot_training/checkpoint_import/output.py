"""A folder that appears whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from earshot_training.checkpoint_import.errors import OutputExistsError


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to write to, beside `path`; it gets that name when the block ends well and is removed when it
    does not. Raises OutputExistsError where `path` is taken, at the beginning and at the end."""
    path = path.absolute()
    _check_free(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
    try:
        yield partial
        _check_free(path)
        partial.chmod(0o755)
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _check_free(path: Path) -> None:
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise OutputExistsError(f"expected {path} to be a new folder or an empty one, found something there")
