"""What a row of the paper needs, and what of it is not at hand."""

import json
from pathlib import Path

from earshot_training.datasets import Dataset, DatasetError, open_dataset
from earshot_training.datasets.layout import DESCRIPTION_FILE
from earshot_training.datasets.published.catalogue import PUBLISHED
from earshot_training.paper.config import Config
from earshot_training.paper.published import split_sizes


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


def other_settings(config: Config, row: Config) -> str | None:
    """In words, the settings that differ from those of the paper's row; None where none does."""
    ours, theirs = config.outcome(), row.outcome()
    other = [
        f"{name} {json.dumps(ours[name])} ({json.dumps(theirs[name])})"
        for name in ours
        if ours[name] != theirs[name]
    ]
    return f"trained with other settings than the paper's: {', '.join(other)}" if other else None


def other_sizes(dataset: Dataset) -> str | None:
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
    commands = "`earshot-training dataset download` and `dataset convert` make it of"
    origin = f"; {commands} {PUBLISHED[name].url}" if name in PUBLISHED else ""
    return f"data set {name}: no folder below {data.folder} holds it (found: {found}){origin}{broken}"


def _no_expert(name: str, dataset: Dataset) -> str:
    found = ", ".join(dataset.experts) or "none"
    published = PUBLISHED.get(dataset.name)
    if name == "speech":
        origin = "`earshot-training speech` makes it from transcripts"
    elif published is not None and name in published.experts:
        origin = f"{published.archive_file} holds it as {published.experts[name][0]}"
    else:
        origin = "no published archive holds it"
    return f"expert {name}: {dataset.folder} has {found}; {origin}"


def _no_list(name: str, dataset: Dataset) -> str:
    published = PUBLISHED.get(dataset.name)
    if published is not None and name in published.optional_lists:
        file = published.optional_lists[name]
        origin = f"{file} of the authors, which no published archive is known to hold"
    elif published is not None and name in published.lists:
        origin = f"{published.archive_file} holds it as {published.lists[name]}"
    else:
        origin = f"it is {name}.txt and an entry in {DESCRIPTION_FILE}"
    return f"list {name}: {dataset.folder} has {', '.join(dataset.splits)}; {origin}"
