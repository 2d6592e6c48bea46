"""Where the public weights are, as their repositories print it (reference facts 5.1 to 5.3)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earshot_training.downloads import Progress, fetch, hub_prefix
from earshot_training.places import cache_folder

_IG65M = "https://github.com/moabitcoin/ig65m-pytorch/releases/download/v1.0.0"
_PORT = "https://github.com/harritaylor/torchvggish/releases/download/v0.1"


@dataclass(frozen=True)
class WeightsSource:
    """The files of one set of public weights: the network's, and for VGGish its PCA's.

    `key` is what `earshot-training experts download` calls it; `settings` are those it is for.
    """

    key: str
    expert: str
    urls: tuple[str, ...]
    licence: str
    settings: dict[str, Any] = field(default_factory=dict)


SOURCES = {
    source.key: source
    for source in (
        WeightsSource(
            "vggish",
            "vggish",
            (f"{_PORT}/vggish-10086976.pth", f"{_PORT}/vggish_pca_params-970ea276.pth"),
            "Apache-2.0",
        ),
        WeightsSource(
            "vggish-tensorflow",
            "vggish",
            (
                "https://storage.googleapis.com/audioset/vggish_model.ckpt",
                "https://storage.googleapis.com/audioset/vggish_pca_params.npz",
            ),
            "Apache-2.0",
        ),
        WeightsSource(
            "vggsound",
            "vggsound",
            ("http://www.robots.ox.ac.uk/~vgg/data/vggsound/models/H.pth.tar",),
            "not stated (the data set: CC-BY-4.0)",
        ),
        WeightsSource(
            "inst",
            "inst",
            ("https://download.pytorch.org/models/ig_resnext101_32x48-3e41cc8a.pth",),
            "CC-BY-NC-4.0",
        ),
        WeightsSource(
            "scene",
            "scene",
            ("http://places2.csail.mit.edu/models_places365/densenet161_places365.pth.tar",),
            "CC-BY",
        ),
        WeightsSource(
            "r2p1d",
            "r2p1d",
            (f"{_IG65M}/r2plus1d_34_clip8_ig65m_from_scratch-9bae36ae.pth",),
            "not stated (the port: MIT)",
            {"frames": 8},
        ),
        WeightsSource(
            "r2p1d-32",
            "r2p1d",
            (f"{_IG65M}/r2plus1d_34_clip32_ig65m_from_scratch-449a7af9.pth",),
            "not stated (the port: MIT)",
            {"frames": 32},
        ),
    )
}


def weights_folder() -> Path:
    """Where downloaded weights are kept."""
    return cache_folder("experts")


def local_files(source: WeightsSource, folder: Path | None = None) -> tuple[Path, ...]:
    """Where a source's files are, or would be, in the order of its `urls`."""
    return tuple((folder or weights_folder()) / url.rpartition("/")[2] for url in source.urls)


def download(
    source: WeightsSource, folder: Path | None = None, progress: Progress | None = None
) -> tuple[Path, ...]:
    """Downloads what is missing of a source; a hash that a file's name ends with is checked.

    Returns the files in the order of `urls`. Raises downloads.DownloadError.
    """
    files = local_files(source, folder)
    for url, path in zip(source.urls, files, strict=True):
        fetch(url, path, sha256_prefix=hub_prefix(path.name), progress=progress)
    return files


def source_for(expert: str, settings: dict[str, Any]) -> WeightsSource:
    """The public weights that an expert with these settings is made of."""
    return next(
        source
        for source in SOURCES.values()
        if source.expert == expert and source.settings.items() <= {"frames": 8, **settings}.items()
    )


def source_of_file(path: Path) -> WeightsSource | None:
    """The source that a file is called after; None for another name."""
    for source in SOURCES.values():
        if any(url.endswith("/" + path.name) for url in source.urls):
            return source
    return None
