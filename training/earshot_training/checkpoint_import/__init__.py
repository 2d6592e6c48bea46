"""Imports the reference's checkpoints as model packs."""

from earshot_training.checkpoint_import.calibration import Calibration
from earshot_training.checkpoint_import.errors import ImportRefusedError
from earshot_training.checkpoint_import.importer import ImportOrder, import_checkpoint
from earshot_training.checkpoint_import.words import WordChoice

__all__ = ["Calibration", "ImportOrder", "ImportRefusedError", "WordChoice", "import_checkpoint"]
