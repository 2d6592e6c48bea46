"""What the retrieval model learns from, a batch at a time: scenes of the pool and segments of the plain
clips, varied, each with a freshly drawn caption.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from earshot_training.starter.captions import Captions
from earshot_training.starter.config import StarterConfig
from earshot_training.starter.scenes import SINGLE
from earshot_training.starter.segments import Segments
from earshot_training.vocabulary import Vocabulary


@dataclass
class Example:
    """One scene or clip a caption can be drawn for: which sounds it holds, from which clips."""

    form: str
    kinds: list[str]
    clips: list[str]


@dataclass(frozen=True)
class Batch:
    """B rows and a caption for each.

    `features` per expert [B, tokens, dim]; `available` [B, 2]; `words` [B, word_limit, dim]; `also_right`
    bool [B, B]: row j holds every sound that caption i speaks of.
    """

    features: dict[str, Tensor]
    available: Tensor
    words: Tensor
    also_right: Tensor


# A row of a batch before it is made: scene i of the pool, or clip i.
POOL, CLIP = 0, 1
Pick = tuple[int, int]


class Batches:
    """Draws batches: an epoch is half of the scenes, and every training clip twice."""

    def __init__(
        self,
        examples: list[Example],
        pool_features: tuple[Tensor, Tensor],
        clip_segments: Segments,
        clip_examples: list[Example],
        captions: Captions,
        vocabulary: Vocabulary,
        fixed: set[str],
        config: StarterConfig,
    ):
        self.examples, self.pool_features = examples, pool_features
        self.clip_examples, self.clip_segments = clip_examples, clip_segments
        self.captions, self.vocabulary, self.fixed = captions, vocabulary, fixed
        self.word_limit = config.word_limit
        self.segments_of = [
            np.flatnonzero(clip_segments.clip == number) for number in range(len(clip_examples))
        ]
        self.heard = [number for number, rows in enumerate(self.segments_of) if len(rows)]

    def per_epoch(self, batch: int) -> int:
        """Whole batches in an epoch."""
        return (len(self.examples) // 2 + 2 * len(self.heard)) // batch

    def draw_epoch(self, batch: int, rng: np.random.Generator) -> Iterator[list[Pick]]:
        """An epoch's rows in random order, `batch` at a time; an incomplete last batch is left out."""
        scenes = rng.permutation(len(self.examples))[: len(self.examples) // 2]
        order = [(POOL, int(i)) for i in scenes]
        order += [(CLIP, number) for number in self.heard for _ in range(2)]
        order = [order[i] for i in rng.permutation(len(order))]
        for start in range(0, len(order) - batch + 1, batch):
            yield order[start : start + batch]

    def make(self, picked: list[Pick], dropout: float, noise: float, rng: np.random.Generator) -> Batch:
        """Features, varied, and freshly drawn captions for the rows picked."""
        rows = [self.examples[i] if origin == POOL else self.clip_examples[i] for origin, i in picked]
        vggish, vggsound = self._features(picked, rows, rng)
        if noise:
            vggish, vggsound = add_noise(vggish, noise), add_noise(vggsound, noise)
        if dropout:
            vggish, vggsound = drop_channels(vggish, dropout), drop_channels(vggsound, dropout)
        drawn = [self.captions.draw(row.form, row.kinds, row.clips, rng) for row in rows]
        texts = [text for text, _ in drawn]
        words = varied_words(texts, self.vocabulary, self.fixed, self.word_limit, rng)
        held = [frozenset(row.kinds) for row in rows]
        also_right = torch.tensor([[named <= sounds for sounds in held] for _, named in drawn])
        also_right |= torch.eye(len(rows), dtype=torch.bool)
        features = {"vggish": vggish, "vggsound": vggsound}
        return Batch(features, hide_experts(len(rows)), words, also_right)

    def _features(
        self, picked: list[Pick], rows: list[Example], rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Each scene's features, and those of a random segment of each clip; some single sounds cut short."""
        segment = [rng.choice(self.segments_of[i]) if origin == CLIP else -1 for origin, i in picked]
        places = [
            (origin, i if origin == POOL else s) for (origin, i), s in zip(picked, segment, strict=True)
        ]
        of_clips = self.clip_segments.vggish, self.clip_segments.vggsound
        vggish, vggsound = (
            torch.stack([(scenes, segments)[origin][place] for origin, place in places])
            for scenes, segments in zip(self.pool_features, of_clips, strict=True)
        )
        shorten = [
            row
            for row, (origin, _) in enumerate(picked)
            if rows[row].form == SINGLE and origin == POOL and rng.random() < 0.25
        ]
        hide_tail(vggish, vggsound, np.array(shorten, int), rng)
        return vggish, vggsound


def add_noise(features: Tensor, share: float) -> Tensor:
    """Gaussian noise of `share` standard deviations on every token that is there."""
    return features + share * features.std() * torch.randn_like(features) * (features != 0)


def drop_channels(features: Tensor, share: float) -> Tensor:
    """Sets a random `share` of the channels of each row to zero, in all of its tokens."""
    return features * (torch.rand(len(features), 1, features.shape[2]) > share)


def hide_experts(rows: int, share: float = 0.05) -> Tensor:
    """Availability [rows, 2]: in about `share` of the rows one expert is missing, the same in all of them."""
    available = torch.ones(rows, 2)
    missing = torch.rand(rows) < share
    available[missing, torch.randint(0, 2, (int(missing.sum()),))] = 0
    return available


def hide_tail(vggish: Tensor, vggsound: Tensor, rows: np.ndarray, rng: np.random.Generator) -> None:
    """Shortens some rows in place to what a clip of 1 to 3 VGGish windows gives: zero tokens at the end."""
    windows, per_window = vggish.shape[1], vggsound.shape[1] // 2
    for row in rows:
        keep = int(rng.integers(1, windows))
        vggish[row, keep:] = 0
        vggsound[row, -(-keep // 2) * per_window :] = 0


def varied_words(
    texts: list[str], vocabulary: Vocabulary, fixed: set[str], limit: int, rng: np.random.Generator
) -> Tensor:
    """Word vectors [texts, limit, dim], zero after the last word, as in `Vocabulary.embed` but varied.

    Some words are dropped, some replaced by a neighbour, and all are blurred a little: so the text side
    learns regions of meaning and not a list of words. Never is a word of `fixed` brought in: GloVe holds
    "dog" and "cat" for neighbours.
    """
    out = np.zeros((len(texts), limit, vocabulary.dim), np.float32)
    for row, text in enumerate(texts):
        numbers = vocabulary.rows(text)
        if len(numbers) > 1:
            numbers = [n for n in numbers if rng.random() > 0.08] or numbers
        for place, number in enumerate(numbers):
            if rng.random() < 0.25:
                other = vocabulary.random_neighbour(number, rng, count=12, least_cosine=0.55)
                if vocabulary.words[other] not in fixed:
                    numbers[place] = other
        numbers = numbers[:limit]
        if numbers:
            vectors = vocabulary.vectors[numbers]
            blur = 0.3 * np.abs(vectors).mean() * rng.standard_normal(vectors.shape)
            out[row, : len(numbers)] = vectors + blur
    return torch.from_numpy(out)
