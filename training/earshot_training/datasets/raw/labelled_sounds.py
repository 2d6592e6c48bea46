"""The data set of labelled sounds (`earshot_training.sounds`) as clips with captions."""

from pathlib import Path

from earshot_training.datasets.clip import Clip
from earshot_training.datasets.protocol import Protocol
from earshot_training.datasets.raw.caption_set import CaptionSet, MediaName
from earshot_training.sounds import may_train, read_kind_captions, read_sounds


def is_labelled_sounds(folder: Path) -> bool:
    """Whether a folder has a manifest and captions of kinds of sound."""
    path = folder / "manifest.csv"
    if not path.is_file() or not (folder / "captions.csv").is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return "labels" in file.readline().strip().split(",")


def read_labelled_sounds(folder: Path) -> CaptionSet:
    """Clips with the written descriptions of their kind, then those of their source.

    Split `train` has the clips that may be learnt from, whatever the manifest has beside them. Clips of one
    kind share descriptions, so ranks are lower than they would be with a description a clip.
    """
    kinds, clips, media = read_kind_captions(folder), [], {}
    splits: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    left_out = 0
    for sound in read_sounds(folder):
        if sound.split == "train" and not may_train(sound):
            left_out += 1
            continue
        captions = tuple(dict.fromkeys([*kinds.get(sound.kind, ()), *sound.captions]))
        clips.append(Clip(sound.id, captions or (sound.kind.replace("_", " "),)))
        media[sound.id] = [MediaName(sound.file, exact=True)]
        splits[sound.split].append(sound.id)
    notes = [f"{left_out} training clips may not be learnt from by their licence"] if left_out else []
    return CaptionSet("labelled-sounds", clips, splits, Protocol(text_tokens=20), media, notes)
