"""Finds the media of clips in a folder."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from earshot_training.datasets.raw import MediaName

# What ffmpeg may be handed; manifests may name other files.
SUFFIXES = frozenset(
    ".wav .flac .ogg .oga .opus .mp3 .m4a .aac .wma .aif .aiff .mka "
    ".mp4 .m4v .mkv .webm .mov .avi .mpg .mpeg .ts .3gp .flv .wmv".split()
)


@dataclass(frozen=True)
class ClipMedia:
    """A clip's file, and the part of it that is the clip (None: from its start, to its end), seconds."""

    path: Path
    start_seconds: float | None = None
    end_seconds: float | None = None


class MediaFolder:
    """A folder of media, read once. Of files that differ in their suffix alone the first by name counts."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._by_stem: dict[str, Path] = {}
        for parent, folders, files in os.walk(folder):
            folders.sort()
            for name in sorted(files):
                stem, suffix = os.path.splitext(name)
                if suffix.lower() in SUFFIXES:
                    self._by_stem.setdefault(stem, Path(parent) / name)

    def __len__(self) -> int:
        return len(self._by_stem)

    def find(self, names: Sequence[MediaName]) -> ClipMedia | None:
        """The first of the names that is there, else None. A path that leads out of the folder is none."""
        for name in names:
            path = self.folder / name.stem if name.exact else self._by_stem.get(name.stem)
            if path is not None and path.is_file() and path.resolve().is_relative_to(self.folder.resolve()):
                return ClipMedia(path, name.start_seconds, name.end_seconds)
        return None
