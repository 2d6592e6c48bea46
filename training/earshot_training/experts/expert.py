"""What the experts' modules have in common: they are whole, front end included, and know how they listen or
look.

A pre-trained network is the submodule `network`, with the public weights' names; what stands before it has no
learnt parts.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from earshot_training.experts.catalogue import EXPERTS, ExpertFacts


class SettingsError(ValueError):
    """An expert has no such setting, or not with that value."""


class Expert(nn.Module):
    """One window of media a row -> features float32 [B, tokens, dim]. `settings` is how it was built."""

    name: ClassVar[str]
    network: nn.Module
    tokens_per_window: int

    def __init__(self, **settings: Any):
        super().__init__()
        self.settings = settings

    @property
    def facts(self) -> ExpertFacts:
        return EXPERTS[self.name]

    def example(self, batch: int, seed: int = 0) -> Tensor:
        """Made-up input of one window a row, the same for the same seed."""
        raise NotImplementedError

    @property
    def window_seconds(self) -> float:
        """How far apart two windows start, in seconds of media."""
        raise NotImplementedError


class AudioExpert(Expert):
    """waveform float32 [B, n] in [-1, 1], mono, 16 kHz. A pack gives it windows of `window_samples` every
    `hop_samples`; the module takes any length."""

    SAMPLE_RATE = 16_000
    window_samples: int
    hop_samples: int

    def example(self, batch: int, seed: int = 0) -> Tensor:
        return 0.1 * torch.randn(batch, self.window_samples, generator=torch.Generator().manual_seed(seed))

    @property
    def window_seconds(self) -> float:
        return self.hop_samples / self.SAMPLE_RATE


class VisualExpert(Expert):
    """frames uint8 [B, frames_per_window, frame_height, frame_width, 3], RGB."""

    frames_per_second: float
    frame_size: int  # pixels: frames are squares
    frames_per_window: int
    hop_frames: int

    def example(self, batch: int, seed: int = 0) -> Tensor:
        shape = (batch, self.frames_per_window, self.frame_size, self.frame_size, 3)
        generator = torch.Generator().manual_seed(seed)
        return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)

    @property
    def window_seconds(self) -> float:
        return self.hop_frames / self.frames_per_second
