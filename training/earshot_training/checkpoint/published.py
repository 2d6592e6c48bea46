"""The checkpoints that the paper's authors publish (reference fact 7): 44 experiments, three seeds each.

`published.csv` lists them. Release "ar" are the paper's own runs (audio-retrieval), "arb" those of the
follow-up (audio-retrieval-benchmark), as far as they are others.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from earshot_training.errors import MendableError

BASE_URL = "http://www.robots.ox.ac.uk/~vgg/research/collaborative-experts/data/models"
RELEASES = ("ar", "arb")
WEIGHTS_FILE, CONFIG_FILE = "trained_model.pth", "config.json"
SEEDS = (0, 1, 2)


class UnknownCheckpointError(MendableError):
    """No published checkpoint has this name."""


@dataclass(frozen=True)
class Published:
    """One experiment. `experiment` is the data set, a dash and the name of its configuration; `timestamps` by
    seed."""

    release: str
    experiment: str
    group: str
    timestamps: tuple[str, ...]

    def folder_of(self, seed: int) -> str:
        """Where a seed's files lie below `BASE_URL`; a pack's provenance names its checkpoint so."""
        return f"{self.experiment}/{self.group}/seed-{seed}/{self.timestamps[seed]}"

    def urls(self, seed: int, base: str = BASE_URL) -> dict[str, str]:
        """Addresses of a seed's weights and configuration by file name."""
        folder = f"{base.rstrip('/')}/{self.folder_of(seed)}"
        return {name: f"{folder}/{name}" for name in (WEIGHTS_FILE, CONFIG_FILE)}


@cache
def published() -> tuple[Published, ...]:
    """All experiments, those of the paper first."""
    with Path(__file__).with_name("published.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Published(release, experiment, group, tuple(timestamps))
            for release, experiment, group, *timestamps in list(csv.reader(file))[1:]
        )


def find_published(experiment: str, release: str | None = None) -> Published:
    """The experiment of a name; of two releases that have it the paper's own, unless `release` says other.

    Raises UnknownCheckpointError with the names that are like it.
    """
    for entry in published():
        if entry.experiment == experiment and release in (None, entry.release):
            return entry
    words = set(experiment.split("-"))
    ranked = sorted(published(), key=lambda entry: -len(words & set(entry.experiment.split("-"))))
    near = list(dict.fromkeys(e.experiment for e in ranked if release in (None, e.release)))[:3]
    place = f" in release {release}" if release else ""
    raise UnknownCheckpointError(
        f"expected the name of a published experiment{place}, found {experiment!r};"
        f" like it are {', '.join(near)}"
    )


def recognise(names: Iterable[str]) -> str | None:
    """The published checkpoint that the parts of a path belong to, as `Published.folder_of` names it.

    A checkpoint's path is EXPERIMENT/GROUP/SEED/TIMESTAMP; experiment and time are enough to know it. Seeds
    that began within one second are told by SEED where it is there, else the first is named.
    """
    parts = set(names)
    for entry in published():
        if entry.experiment in parts:
            seeds = [seed for seed in SEEDS if entry.timestamps[seed] in parts]
            named = [seed for seed in seeds if f"seed-{seed}" in parts]
            if found := named or seeds:
                return entry.folder_of(found[0])
    return None
