"""What is wrong with a data set."""


class DatasetError(Exception):
    """A data set that is not whole or not what it says. The message tells what was expected and found."""
