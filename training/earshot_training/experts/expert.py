"""What the experts' modules have in common: they are whole, front end included, and know how they listen or
look.

A pre-trained network is the submodule `network`, with the public weights' names; what stands before it has no
learnt parts.
"""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot_training.experts.catalogue import EXPERTS, ExpertFacts


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
        """Blurred patches of colour, which change from frame to frame, under a little noise."""
        generator = torch.Generator().manual_seed(seed)
        count, size = batch * self.frames_per_window, self.frame_size
        patches = torch.rand(count, 3, 8, 8, generator=generator)
        pictures = F.interpolate(patches, (size, size), mode="bilinear")
        pictures += 0.05 * torch.randn(pictures.shape, generator=generator)
        frames = (255 * pictures.clamp(0, 1)).to(torch.uint8).permute(0, 2, 3, 1)
        return frames.reshape(batch, self.frames_per_window, size, size, 3).contiguous()

    @property
    def window_seconds(self) -> float:
        return self.hop_frames / self.frames_per_second
