"""The base of all errors that a person at the command line can mend."""


class MendableError(Exception):
    """Wrong input, a damaged file, a failed download: its message says what was expected and what was found.

    The command line prints the message alone. One class per cause, each in the module that raises it.
    """
