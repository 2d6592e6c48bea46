"""What can go wrong when features are extracted."""

from earshot_training.errors import MendableError


class ExtractionError(MendableError):
    """Extraction cannot start or go on: a tool or an expert is missing, or settings do not fit."""


class MediaError(MendableError):
    """One file that cannot be decoded. The run goes on with the next clip."""
