"""What a model is given of some clips: padded arrays, exactly as the reference's loader makes them (reference
fact 1.2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

import numpy as np

from earshot_training.datasets.errors import DatasetError
from earshot_training.datasets.layout import Dataset
from earshot_training.datasets.protocol import Protocol


class WordSource(Interface):
    """Where the word vectors of captions come from: `WordFeatures` of a data set, or `TextWords`."""

    dim: int

    def get(self, row: int, caption: int) -> np.ndarray:
        """The vectors of one caption of a clip [words, dim]."""
        ...


class TextWords:
    """Word vectors that are made from the captions' text when they are asked for, and then kept.

    `vectors`: a text -> [words, dim], such as the method of that name of `text.Reader`.
    """

    def __init__(self, dataset: Dataset, vectors: Callable[[str], np.ndarray], dim: int):
        self.dim, self._clips, self._vectors = dim, dataset.clips, vectors
        self._known: dict[str, np.ndarray] = {}

    def get(self, row: int, caption: int) -> np.ndarray:
        """The vectors of one caption of a clip [words, dim]."""
        text = self._clips[row].captions[caption]
        if text not in self._known:
            self._known[text] = self._vectors(text)
        return self._known[text]


@dataclass(frozen=True)
class ClipView:
    """Some clips, as a model takes them. B clips, E experts, K captions a clip.

    `features`: per expert float32 [B, maxTokens, dim], zero after the last token, or [B, dim]; NaN throughout
    where the expert is missing. `availability` float32 [B, E]: 1 present, 0 missing. `words` float32
    [B, K, textTokens, wordDim], zero after the last word. `word_counts` int64 [B, K], after cutting.
    `caption_mask` float32 [B, K]: 1 where the clip has that caption.
    """

    rows: np.ndarray
    features: dict[str, np.ndarray]
    availability: np.ndarray
    words: np.ndarray
    word_counts: np.ndarray
    caption_mask: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


class ClipReader:
    """Makes views of a data set's clips for a model of some experts, whose columns are in the order given.

    `protocol`, `words`: other limits or word vectors than the data set's own. Raises DatasetError for an
    expert that the data set lacks, a sequence without a token limit, or where there are no word vectors.
    """

    def __init__(
        self,
        dataset: Dataset,
        experts: Sequence[str],
        protocol: Protocol | None = None,
        words: WordSource | None = None,
    ):
        self.dataset, self.experts = dataset, tuple(experts)
        self.protocol = protocol or dataset.protocol
        source = words or dataset.words
        if source is None:
            raise DatasetError(f"{dataset.name} has no word vectors: name a word2vec file to make them from")
        self.words = source
        for name in self.experts:
            if name not in dataset.experts:
                found = ", ".join(dataset.experts) or "none"
                raise DatasetError(f"{dataset.name}: expected features of {name}, found those of {found}")
            if dataset.experts[name].aggregation == "sequence" and name not in self.protocol.max_tokens:
                raise DatasetError(f"{dataset.name}: expected a token limit of {name}, found none")

    def training(self, rows: Sequence[int] | np.ndarray, rng: np.random.Generator) -> ClipView:
        """Clips to learn from, each with one caption, drawn uniformly from its own.

        The model is told of the absence of flaky experts alone. Raises DatasetError where another one is
        missing: the reference's model stops there, too.
        """
        rows = np.asarray(rows, np.int64)
        for name in self.experts:
            there = self.dataset.experts[name].availability[rows]
            if name not in self.protocol.flaky and not there.all():
                id = self.dataset.clips[rows[np.argmin(there)]].id
                raise DatasetError(
                    f"{self.dataset.name}: expected {name} of every training clip, as the protocol does "
                    f"not call it flaky, found none of {id}"
                )
        return self._view(rows, 1, lambda captions: [int(rng.integers(captions))])

    def validation(self, rows: Sequence[int] | np.ndarray) -> ClipView:
        """Clips with as many of their first captions as count in validation."""
        return self.evaluation(rows, self.protocol.validation_captions)

    def test(self, rows: Sequence[int] | np.ndarray) -> ClipView:
        """Clips with as many of their first captions as count in the test."""
        return self.evaluation(rows, self.protocol.test_captions)

    def evaluation(self, rows: Sequence[int] | np.ndarray, captions: int) -> ClipView:
        """Clips with their first captions, at most that many each."""
        return self._view(np.asarray(rows, np.int64), captions, lambda found: range(min(found, captions)))

    def _view(self, rows: np.ndarray, captions: int, choose: Callable[[int], Sequence[int]]) -> ClipView:
        features = {name: self._features(name, rows) for name in self.experts}
        columns = [self.dataset.experts[name].availability[rows] for name in self.experts]
        if self.protocol.fuse_captions:
            captions = 1
        words = np.zeros((len(rows), captions, self.protocol.text_tokens, self.words.dim), np.float32)
        counts = np.zeros((len(rows), captions), np.int64)
        mask = np.zeros((len(rows), captions), np.float32)
        for place, row in enumerate(rows.tolist()):
            for number, vectors in enumerate(self._captions(row, choose)):
                known = vectors[: self.protocol.text_tokens]
                words[place, number, : len(known)] = known
                counts[place, number], mask[place, number] = len(known), 1
        return ClipView(rows, features, np.stack(columns, axis=1).astype(np.float32), words, counts, mask)

    def _captions(self, row: int, choose: Callable[[int], Sequence[int]]) -> list[np.ndarray]:
        count = len(self.dataset.clips[row].captions)
        if not count:
            raise DatasetError(f"{self.dataset.name}: clip {self.dataset.clips[row].id} has no caption")
        if self.protocol.fuse_captions:
            return [np.concatenate([self.words.get(row, number) for number in range(count)])]
        return [self.words.get(row, number) for number in choose(count)]

    def _features(self, name: str, rows: np.ndarray) -> np.ndarray:
        expert = self.dataset.experts[name]
        limit = (self.protocol.max_tokens[name],) if expert.aggregation == "sequence" else ()
        out = np.zeros((len(rows), *limit, expert.dim), np.float32)
        for place, row in enumerate(rows.tolist()):
            found = expert.get(row)
            if found is None:
                out[place] = np.nan
            elif limit:
                cut = found[: limit[0]]
                out[place, : len(cut)] = cut
            else:
                out[place] = found
        return out
