"""What can be wrong with an expert: its settings, its weights, its description. One class a cause."""

from earshot_training.errors import MendableError


class SettingsError(MendableError, ValueError):
    """An expert has no such setting, or not with that value."""


class WeightsError(MendableError):
    """Weights cannot be used."""


class UnreadableWeightsError(WeightsError):
    """A file is missing, cut short, of another kind, or asks for more than data."""


class ForeignWeightsError(WeightsError):
    """A file holds the weights of another network."""


class DescriptionError(MendableError):
    """An exported expert's description is missing, unreadable, or does not fit its files."""
