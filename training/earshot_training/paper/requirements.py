"""What a row of the paper needs, and what of it is not at hand."""

from pathlib import Path

from earshot_training.datasets import Dataset, DatasetError, open_dataset
from earshot_training.datasets.layout import DESCRIPTION_FILE
from earshot_training.paper.config import Config
from earshot_training.paper.published import split_sizes

ARCHIVES = "http://www.robots.ox.ac.uk/~vgg/research/collaborative-experts/data/features-v2"
# Published archives (reference fact 6.1), by our names of the data sets.
ARCHIVE_OF = {
    "audiocaps": f"{ARCHIVES}/AudioCaps-experts-audio-only.tar.gz",
    "clotho": f"{ARCHIVES}/CLOTHO-experts-audio-only.tar.gz",
    "activitynet": f"{ARCHIVES}/activity-net-experts-audio-only.tar.gz",
    "querydsegments": f"{ARCHIVES}/QuerYDSegments-experts-audio-only.tar.gz",
}
# Where an archive holds an expert, below its structured-symlinks/ (reference facts 5.3 and 6.1).
FILE_OF = {
    "vggish": "aggregated_audio/vggish-raw.hickle",
    "vggsound": "aggregated_vggsound/vggsound-raw.hickle",
    "inst": "aggregated_imagenet_25fps_256px_stride1_offset0/resnext101_32x48d-avg.pickle",
    "scene": "aggregated_scene_25fps_256px_stride1_offset0/densenet161-avg.pickle",
    "r2p1d": "aggregated_r2p1d_30fps_256px_stride32_offset0_inner_stride1/r2p1d-ig65m-avg.pickle",
}


class DataFolder:
    """The data sets below a folder, by name. One that cannot be read is kept with the reason (`broken`)."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.datasets: dict[str, Dataset] = {}
        self.broken: dict[Path, str] = {}
        if not folder.is_dir():
            raise DatasetError(f"{folder}: expected a folder of data sets, found none")
        for path in sorted({folder, *folder.iterdir()}):
            if not (path / DESCRIPTION_FILE).is_file() or path.suffix == ".partial":
                continue
            try:
                dataset = open_dataset(path)
            except DatasetError as error:
                self.broken[path] = str(error)
                continue
            if dataset.name in self.datasets:
                raise DatasetError(
                    f"{folder}: expected each data set once, found {dataset.name} in "
                    f"{self.datasets[dataset.name].folder.name} and {path.name}"
                )
            self.datasets[dataset.name] = dataset


def lacks(config: Config, data: DataFolder, has_words: bool) -> list[str]:
    """What a configuration needs that is not at hand, each with where it comes from; nothing if it can run.

    `has_words`: whether word vectors were named beside the data sets.
    """
    dataset = data.datasets.get(config.dataset)
    if dataset is None:
        return [_no_dataset(config.dataset, data)]
    missing = [_no_expert(name, dataset) for name in config.experts or () if name not in dataset.experts]
    missing += [_no_list(name, dataset) for name in _lists(config) if name not in dataset.splits]
    if dataset.words is None and not has_words:
        missing.append(
            f"word vectors: {dataset.name} has none of its own; name GoogleNews-vectors-negative300.bin.gz"
            " with --word2vec"
        )
    return missing


def other_sizes(dataset: Dataset, config: Config) -> str | None:
    """In words, how the lists differ in size from the paper's; None where they do not, or it has none."""
    wanted = split_sizes(dataset.name)
    found = {name: len(dataset.splits[name]) for name in wanted if name in dataset.splits}
    if not wanted or found == wanted:
        return None
    sizes = ", ".join(f"{name} {found.get(name, 0):,} ({wanted[name]:,})" for name in wanted)
    return f"{dataset.name} has other lists than the paper's, so its figures cannot be compared: {sizes}"


def _lists(config: Config) -> list[str]:
    return list(dict.fromkeys((config.train, config.val, config.test)))


def _no_dataset(name: str, data: DataFolder) -> str:
    found = ", ".join(data.datasets) or "none"
    broken = "".join(f"; {path} cannot be read: {reason}" for path, reason in data.broken.items())
    origin = f", made from {ARCHIVE_OF[name]}" if name in ARCHIVE_OF else ""
    return f"data set {name}: no folder below {data.folder} holds it (there: {found}){origin}{broken}"


def _no_expert(name: str, dataset: Dataset) -> str:
    found = ", ".join(dataset.experts) or "none"
    if name == "speech":
        origin = "`earshot-training speech` makes it from transcripts"
    elif name in FILE_OF:
        origin = f"the archive holds it as {FILE_OF[name]}"
    else:
        origin = "no published archive holds it"
    return f"expert {name}: {dataset.folder} has {found}; {origin}"


def _no_list(name: str, dataset: Dataset) -> str:
    kind, _, share = name.partition("_")
    if share.isdigit():
        file = {"train": "train_list", "val": "filtered_val_list"}.get(kind, kind)
        origin = f"{file}_{share}.txt of the authors, which is in no published archive"
    else:
        origin = f"{name}.txt and its entry in {DESCRIPTION_FILE}"
    return f"list {name}: {dataset.folder} has {', '.join(dataset.splits)}; it needs {origin}"
