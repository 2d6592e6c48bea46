"""What can go wrong when features are extracted."""


class ExtractionError(Exception):
    """Extraction cannot start or go on: a tool or an expert is missing, or settings do not fit."""


class MediaError(Exception):
    """One file that cannot be decoded. The run goes on with the next clip."""
