"""What is wrong with a data set."""

from earshot_training.errors import MendableError


class DatasetError(MendableError):
    """A data set that is not whole or not what it says. The message tells what was expected and found."""
