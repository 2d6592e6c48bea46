"""Data sets: the project's own layout, the published feature archives, the raw public formats, and media."""

from earshot_training.datasets.clip import Clip
from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.layout import Dataset, ExpertFeatures, WordFeatures, open_dataset
from earshot_training.datasets.protocol import Protocol
from earshot_training.datasets.writer import DatasetWriter, write_dataset

__all__ = [
    "Clip",
    "Dataset",
    "DatasetError",
    "DatasetWriter",
    "ExpertFeatures",
    "Protocol",
    "WordFeatures",
    "open_dataset",
    "write_dataset",
]
