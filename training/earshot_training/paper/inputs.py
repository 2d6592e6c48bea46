"""A data set as one configuration sees it, in the model's tensors (reference facts 1.2 and 2.3)."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from earshot_training.datasets import Dataset, Protocol
from earshot_training.datasets.view import ClipReader, ClipView
from earshot_training.experts.catalogue import in_model_order, reference_name
from earshot_training.paper.config import Config
from earshot_training.paper.words import TextVectors

Item, Made = TypeVar("Item"), TypeVar("Made")


@dataclass(frozen=True)
class Batch:
    """B clips with one text each. `features`: by the model's names of the experts, [B, tokens, dim] or
    [B, dim], NaN where missing; `availability` [B, E]; `words` [B, text tokens, word dim]."""

    features: dict[str, Tensor]
    availability: Tensor
    words: Tensor

    def __len__(self) -> int:
        return len(self.words)

    def to(self, device: torch.device) -> "Batch":
        """The same on another device."""
        features = {name: x.to(device, non_blocking=True) for name, x in self.features.items()}
        return Batch(features, self.availability.to(device), self.words.to(device, non_blocking=True))


def protocol_of(config: Config, dataset: Dataset) -> Protocol:
    """The data set's protocol, and over it what the configuration sets."""
    changes = {
        "fuse_captions": config.fuse_captions,
        "test_captions": config.test_captions,
        "flaky": config.flaky,
    }
    if config.tokens is not None:
        limits = {name: limit for name, limit in config.tokens.items() if name != "text"}
        changes["max_tokens"] = {**dataset.protocol.max_tokens, **limits}
        changes["text_tokens"] = config.tokens.get("text")
    changes = {name: value for name, value in changes.items() if value is not None}
    return dataclasses.replace(dataset.protocol, **changes)


class Inputs:
    """What a model is given of a data set. `experts`: our names of those that take part, in the model's
    order.

    `words`: how captions become word vectors, other than the data set's own. Raises DatasetError where an
    expert, a token limit or the word vectors are missing.
    """

    def __init__(self, dataset: Dataset, config: Config, words: TextVectors | None = None):
        self.dataset, self.protocol = dataset, protocol_of(config, dataset)
        self.experts = in_model_order(dataset.experts if config.experts is None else config.experts)
        self.word_origin = words.origin if words else "the data set's own"
        self._reader = ClipReader(
            dataset, self.experts, self.protocol, words.of(dataset) if words else dataset.words
        )

    @property
    def word_dim(self) -> int:
        """Numbers in a word vector."""
        return self._reader.words.dim

    @property
    def token_limits(self) -> dict[str, int]:
        """The padded length of each expert that is a sequence."""
        sequences = [name for name in self.experts if self.dataset.experts[name].aggregation == "sequence"]
        return {name: self.protocol.max_tokens[name] for name in sequences}

    def batch(self, rows: np.ndarray, rng: np.random.Generator) -> Batch:
        """Clips to train on, each with one of its captions, all equally likely."""
        view = self._reader.training(rows, rng)
        return Batch(*clip_tensors(view), torch.from_numpy(view.words[:, 0]))

    def validation(self, rows: np.ndarray) -> ClipView:
        """Clips with the captions that select the epoch: the first of each."""
        return self._reader.validation(rows)

    def test(self, rows: np.ndarray) -> ClipView:
        """Clips with the captions that are queries of the final figures."""
        return self._reader.test(rows)


def made_ahead(make: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
    """What `make` gives of each item, in order, each made while the one before it is in use.

    Only one is made at a time, so a random generator that `make` draws from stays in step.
    """
    with ThreadPoolExecutor(1) as maker:
        waiting = None
        for item in items:
            following = maker.submit(make, item)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        if waiting is not None:
            yield waiting.result()


def clip_tensors(view: ClipView) -> tuple[dict[str, Tensor], Tensor]:
    """Features by the model's names of the experts, and availability [B, E]."""
    tensors = {reference_name(name): torch.from_numpy(array) for name, array in view.features.items()}
    return tensors, torch.from_numpy(view.availability)


def epoch_batches(rows: np.ndarray, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Every clip once, shuffled, in batches; the last may be smaller.

    A last batch of one clip, which has no pair that does not match and so no loss, joins the batch before it.
    """
    order = rng.permutation(rows)
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [np.concatenate(batches[-2:])]
    return batches
