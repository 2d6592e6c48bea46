"""The feature archives the authors published (reference fact 6.1), and their conversion."""

from earshot_training.datasets.published.catalogue import PUBLISHED, PublishedSet, published_set
from earshot_training.datasets.published.convert import Conversion, convert

__all__ = ["PUBLISHED", "Conversion", "PublishedSet", "convert", "published_set"]
