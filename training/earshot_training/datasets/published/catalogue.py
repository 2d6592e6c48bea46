"""The published data sets: where their archives are, what lies in them, and their protocols (reference facts
1.2 and 6.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from earshot_training.datasets.protocol import Protocol

ARCHIVES = "http://www.robots.ox.ac.uk/~vgg/research/collaborative-experts/data/features-v2"

# The doubled folder is real in some archives; where only one of two paths is known to exist, both are tried.
_RAW = "structured-symlinks"
_VISUAL = {
    "inst": ("aggregated_imagenet_25fps_256px_stride1_offset0/resnext101_32x48d-avg.pickle",),
    "scene": ("aggregated_scene_25fps_256px_stride1_offset0/densenet161-avg.pickle",),
    "r2p1d": ("aggregated_r2p1d_30fps_256px_stride32_offset0_inner_stride1/r2p1d-ig65m-avg.pickle",),
}
_HICKLES = {
    "vggish": ("aggregated_audio/vggish-raw.hickle",),
    "vggsound": ("aggregated_vggsound/vggsound-raw.hickle",),
}
_LISTS = {"train": "train_list.txt", "val": "val_list.txt", "test": "test_list.txt"}


def _both(file: str) -> tuple[str, str]:
    return f"{_RAW}/{file}", file


@dataclass(frozen=True)
class PublishedSet:
    """One published data set. Paths are relative to the archive's folder `structured-symlinks`.

    `experts`, `captions`: each a file, under the first of these paths at which it is found. `lists`: the
    file of each split's ids. `optional_lists`: further ones, taken where they are found.
    """

    name: str
    archive: str
    experts: Mapping[str, tuple[str, ...]]
    captions: tuple[str, ...]
    protocol: Protocol
    words: str = "text_embeddings/w2v.pkl"
    lists: Mapping[str, str] = field(default_factory=lambda: dict(_LISTS))
    optional_lists: Mapping[str, str] = field(default_factory=dict)

    @property
    def archive_file(self) -> str:
        return f"{self.archive}-experts-audio-only.tar.gz"

    @property
    def url(self) -> str:
        """Where the archive is. Neither its size nor a hash is known."""
        return f"{ARCHIVES}/{self.archive_file}"

    def files(self, experts: Mapping[str, tuple[str, ...]] | None = None) -> list[str]:
        """Every path that may be read, for some experts (default: all)."""
        chosen = self.experts if experts is None else experts
        found = [path for paths in (*chosen.values(), self.captions) for path in paths]
        return [*found, self.words, *dict.fromkeys([*self.lists.values(), *self.optional_lists.values()])]


PUBLISHED = {
    found.name: found
    for found in (
        PublishedSet(
            "audiocaps",
            "AudioCaps",
            {**_HICKLES, **_VISUAL},
            _both("raw-captions.pkl"),
            Protocol(20, {"vggish": 29, "vggsound": 29}, test_captions=5, flaky=("vggish",)),
            lists={
                "train": "train_list.txt",
                "val": "filtered_val_list.txt",
                "test": "final_filtered_test_list.txt",
            },
            optional_lists={
                f"{split}_{share}": f"{file}_{share}.txt"
                for split, file in (("train", "train_list"), ("val", "filtered_val_list"))
                for share in (10, 25, 50, 75)
            },
        ),
        PublishedSet(
            "clotho",
            "CLOTHO",
            _HICKLES,
            _both("raw-captions.pkl"),
            Protocol(21, {"vggish": 31, "vggsound": 95}, test_captions=5),
        ),
        PublishedSet(
            "activity-net",
            "activity-net",
            {"vggish": ("aggregated_audio/vggish-audio-raw.pickle",)},
            _both("raw-captions-train-val_1.pkl"),
            Protocol(20, {"vggish": 29}, fuse_captions=True, flaky=("vggish",)),
            words="aggregated_text_feats/w2v.pkl",
            # The epoch is selected on val_1, the split that is tested on, too (reference fact 2.3).
            lists={"train": "train_list.txt", "val": "val_1_list.txt", "test": "val_1_list.txt"},
        ),
        PublishedSet(
            "queryd",
            "QuerYD",
            {"vggish": _HICKLES["vggish"], **_VISUAL},
            _both("raw_captions_combined_filtered.pkl"),
            Protocol(70, {"vggish": 500}, fuse_captions=True, flaky=("vggish",)),
        ),
        PublishedSet(
            "queryd-segments",
            "QuerYDSegments",
            {"vggish": _HICKLES["vggish"]},
            _both("split_raw_captions_filtered.pkl"),
            Protocol(70, {"vggish": 500}, flaky=("vggish",)),
        ),
        PublishedSet(
            "sounddescs",
            "SoundDescs",
            {
                "vggish": ("aggregated_audio/vggish-raw.pkl",),
                "vggsound": ("aggregated_vggsound/vggsound-raw.pkl",),
            },
            _both("raw-captions.pkl"),
            Protocol(46, {"vggish": 400, "vggsound": 400}, fuse_captions=True),
        ),
    )
}


def published_set(name: str) -> PublishedSet:
    """The data set of a name. Raises KeyError with the known names for another."""
    if name not in PUBLISHED:
        raise KeyError(f"no published data set is called {name!r}; there are {', '.join(PUBLISHED)}")
    return PUBLISHED[name]
