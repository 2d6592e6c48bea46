"""Why a checkpoint does not become a model pack. One class a cause; messages say what was expected and what
was found."""

from earshot_training.errors import MendableError


class ImportRefusedError(MendableError):
    """The parent of the causes below."""


class OutputExistsError(ImportRefusedError):
    """The folder for the pack is taken."""


class UnknownSettingError(ImportRefusedError):
    """Something that the pack needs stands neither in the checkpoint's configuration nor in an option."""


class ExpertMissingError(ImportRefusedError):
    """An expert of the model is not among the exported ones, or cannot be served."""


class ExpertMismatchError(ImportRefusedError):
    """An exported expert is not the one the model was trained with, or does not fit the segments."""
