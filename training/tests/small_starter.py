"""A starter run in small: slim networks, a dozen made sounds, a vocabulary of some words."""

import dataclasses

import numpy as np

from earshot_training.starter.config import StarterConfig
from earshot_training.starter.scenes import Source
from earshot_training.vocabulary import Vocabulary

KINDS = ("dog", "frog", "siren", "sheep")

CONFIG = dataclasses.replace(
    StarterConfig(),
    scenes=8,
    vggish_width=2,
    vggish_dim=12,
    vggsound_width=2,
    expert_batch=2,
    shared_dim=16,
    audio_clusters=3,
    text_clusters=3,
)


def noise(samples: int, seed: int = 0) -> np.ndarray:
    """Noise as 16-bit samples."""
    return (3_000 * np.random.default_rng(seed).standard_normal(samples)).astype(np.int16)


def make_sources() -> list[Source]:
    """Twelve recordings of four kinds, shorter and longer than a scene."""
    return [
        Source(f"clip{i}", KINDS[i % 4], noise(samples, i))
        for i, samples in enumerate((2_000, 15_000, 70_000, 100_000, 61_680, 61_681) * 2)
    ]


def make_vocabulary(dim: int = 8) -> Vocabulary:
    words = [*KINDS, *"a the sound of loud while and then after in background followed by before".split()]
    vectors = np.random.default_rng(0).standard_normal((len(words), dim))
    return Vocabulary(words, vectors)


def write_captions(folder) -> None:
    """Three captions of each kind, as in a data set's captions.csv."""
    lines = [f"{kind},any,a {kind} | loud {kind} | the {kind} sound\n" for kind in KINDS]
    (folder / "captions.csv").write_text("label,category,captions\n" + "".join(lines))
