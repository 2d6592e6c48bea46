"""The reference's checkpoints: reading them safely, the models their weights belong to, and where they are
published."""

from earshot_training.checkpoint.reading import Checkpoint, CheckpointError, read_checkpoint
from earshot_training.checkpoint.settings import Settings, check_settings, read_settings
from earshot_training.checkpoint.weights import build_model, rename_experts, variant_of

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "Settings",
    "build_model",
    "check_settings",
    "read_checkpoint",
    "read_settings",
    "rename_experts",
    "variant_of",
]
