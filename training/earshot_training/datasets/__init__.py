"""Data sets: the project's own layout, the published feature archives, the raw public formats, and media."""

from earshot_training.datasets.clip import Clip
from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.features import ExpertFeatures, WordFeatures
from earshot_training.datasets.layout import Dataset, open_dataset
from earshot_training.datasets.protocol import Protocol
from earshot_training.datasets.view import ClipReader, ClipView, TextWords
from earshot_training.datasets.writer import DatasetWriter, write_dataset

__all__ = [
    "Clip",
    "ClipReader",
    "ClipView",
    "Dataset",
    "DatasetError",
    "DatasetWriter",
    "ExpertFeatures",
    "Protocol",
    "TextWords",
    "WordFeatures",
    "open_dataset",
    "write_dataset",
]
