"""What can be wrong with a model pack."""

from earshot_training.errors import MendableError


class PackError(MendableError):
    """A model pack that is not whole, or not what its manifest says. The message names the file."""
