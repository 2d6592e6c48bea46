"""Takes the files that are wanted out of a published archive (.tar.gz), and nothing else.

An archive is foreign data: names and links that lead out of it are refused, only regular files are written,
each at most as large as it says, and the sum is limited.
"""

import gzip
import posixpath
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from earshot_training.datasets.errors import DatasetError

LARGEST_TOTAL = 200 * 1024**3  # bytes
MOST_MEMBERS = 1_000_000
_BLOCK = 1 << 20

Progress = Callable[[int, int], None]  # bytes of the archive read so far, bytes in all


def unpack(
    archive: Path, wanted: Iterable[str], folder: Path, progress: Progress | None = None
) -> dict[str, Path]:
    """Writes every member whose path ends with one of `wanted` to `folder`, at that path.

    Files of an earlier call are kept where their size is right. Symbolic links within the archive are
    followed. Returns wanted path -> file, of those that the archive has. Raises DatasetError where the
    archive is cut short, is none, or holds a name that leads out of it.
    """
    wanted = list(dict.fromkeys(wanted))
    found: dict[str, Path] = {}
    links = _pass(archive, {path: path for path in wanted}, folder, found, progress)
    targets = _through_links(links, [path for path in wanted if path not in found])
    if targets:
        _pass(archive, targets, folder, found, progress)
    return found


def _pass(
    archive: Path, wanted: dict[str, str], folder: Path, found: dict[str, Path], progress: Progress | None
) -> dict[str, str]:
    """Reads the archive once. `wanted`: end of a member's path -> path to write. Returns links -> targets."""
    links: dict[str, str] = {}
    size, total, members = archive.stat().st_size, 0, 0
    try:
        # gzip and tar apart: together they would take a file that is cut short for one that ends.
        with (
            archive.open("rb") as raw,
            gzip.open(raw) as unzipped,
            tarfile.open(fileobj=unzipped, mode="r|") as tar,
        ):
            for member in tar:
                members += 1
                total += member.size
                if members > MOST_MEMBERS or total > LARGEST_TOTAL:
                    raise DatasetError(f"{archive} has too many members or bytes for an archive of features")
                name = _inside(member.name, archive)
                if progress:
                    progress(raw.tell(), size)
                if member.issym() or member.islnk():
                    base = posixpath.dirname(name) if member.issym() else ""
                    links[name] = _inside(posixpath.join(base, member.linkname), archive)
                    continue
                path = next((path for end, path in wanted.items() if _ends_with(name, end)), None)
                if path is None or path in found or not member.isreg():
                    continue
                found[path] = folder / path
                _write(tar, member, found[path], archive)
            while unzipped.read(_BLOCK):  # to its end, where its checksum is
                pass
    except (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError, OSError) as error:
        if isinstance(error, OSError) and error.filename:
            raise
        raise DatasetError(f"{archive} is cut short or no .tar.gz archive: {error}") from None
    return links


def _ends_with(name: str, end: str) -> bool:
    return name == end or name.endswith("/" + end)


def _inside(name: str, archive: Path) -> str:
    """A member's path, normalised. Raises DatasetError where it leads out of the archive."""
    path = posixpath.normpath(name)
    if (
        name.startswith(("/", "\\"))
        or path == ".."
        or path.startswith("../")
        or "\0" in name
        or ":" in name[:2]
    ):
        raise DatasetError(f"{archive} is refused: its member {name!r:.200} leads out of it")
    return path


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, archive: Path) -> None:
    if target.is_file() and target.stat().st_size == member.size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if member.size > shutil.disk_usage(target.parent).free:
        raise DatasetError(f"{target} needs {member.size / 1e9:.1f} GB, more than the disk has free")
    part = target.with_name(target.name + ".part")
    with tar.extractfile(member) as source, part.open("wb") as out:  # type: ignore[union-attr]
        shutil.copyfileobj(source, out, _BLOCK)
    if part.stat().st_size != member.size:
        raise DatasetError(
            f"{archive} is cut short: expected {member.size} bytes of {member.name}, "
            f"found {part.stat().st_size}"
        )
    part.replace(target)


def _through_links(links: dict[str, str], missing: Iterable[str]) -> dict[str, str]:
    """Where the links of an archive say that missing paths lie: path in the archive -> wanted path."""
    targets: dict[str, str] = {}
    for wanted in missing:
        for link in links:
            # The link is the file itself, or a folder on the way to it.
            parts = wanted.split("/")
            for count in range(len(parts), 0, -1):
                if _ends_with(link, "/".join(parts[:count])):
                    targets[_resolve(posixpath.join(link, *parts[count:]), links)] = wanted
    return targets


def _resolve(path: str, links: dict[str, str]) -> str:
    """Follows links on a path, from its start, a limited number of times."""
    for _ in range(16):
        parts = path.split("/")
        prefix = next((p for i in range(1, len(parts) + 1) if (p := "/".join(parts[:i])) in links), None)
        if prefix is None:
            return path
        path = posixpath.normpath(links[prefix] + path[len(prefix) :])
    return path
