"""From media to features: decoding, experts, and a run over a data set that can be stopped and goes on."""

from earshot_training.extraction.errors import ExtractionError, MediaError
from earshot_training.extraction.run import Report, extract

__all__ = ["ExtractionError", "MediaError", "Report", "extract"]
