"""What can be wrong with a model pack."""


class PackError(Exception):
    """A model pack that is not whole, or not what its manifest says. The message names the file."""
