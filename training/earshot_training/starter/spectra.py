"""The two front ends by FFT, for training: the same numbers as `frontend.py`, several times cheaper on a CPU.

`frontend.py` is what is exported; a test holds the two to 1e-4 of each other.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def mel_matrix() -> Tensor:
    """[257, 64]: triangles linear in mel, 125 to 7,500 Hz, peak 1, DC weight 0 (reference fact 5.1)."""

    def mel(frequency: Tensor) -> Tensor:
        return 1127.0 * torch.log1p(frequency / 700.0)

    low, high = mel(torch.tensor([125.0, 7500.0], dtype=torch.float64))
    edges = torch.linspace(float(low), float(high), 66, dtype=torch.float64)
    bins = mel(torch.arange(257, dtype=torch.float64) * 8000 / 256).unsqueeze(1)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    weights = torch.clamp(torch.minimum(rising, falling), min=0)
    weights[0] = 0
    return weights.float()


class FastLogMel:
    """waveform [n, 15600] -> log-mel [n, 96, 64]."""

    def __init__(self) -> None:
        self.mel = mel_matrix()
        turn = 2 * math.pi * torch.arange(400, dtype=torch.float64) / 400
        self.window = (0.5 - 0.5 * torch.cos(turn)).float()

    def __call__(self, waveform: Tensor) -> Tensor:
        frames = waveform.unfold(-1, 400, 160)[..., :96, :]
        magnitude = torch.fft.rfft(frames * self.window, 512).abs()
        return torch.log(magnitude @ self.mel + 0.01)


class FastSpectrogram:
    """waveform [n, samples] -> normalised log power spectrogram [n, 257, frames] (reference fact 5.2).

    frames = floor((samples - 353) / 159).
    """

    def __init__(self) -> None:
        # SciPy's periodic Tukey window, alpha 0.25: cosine flanks over an eighth of the window each.
        position = torch.arange(513, dtype=torch.float64)
        width = math.floor(0.25 * 512 / 2.0)
        window = torch.ones(513, dtype=torch.float64)
        flank = 0.5 * (1 + torch.cos(math.pi * (-1 + 2.0 * position[: width + 1] / 0.25 / 512)))
        window[: width + 1] = flank
        window[512 - width :] = flank.flip(0)
        self.window = window[:512].float()
        scale = 1.0 / (16_000 * float((window[:512] ** 2).sum()))
        doubled = torch.full((257,), 2.0)
        doubled[0] = doubled[-1] = 1.0
        self.scale = doubled * scale

    def __call__(self, waveform: Tensor) -> Tensor:
        frames = waveform.clamp(-1, 1).unfold(-1, 512, 159)
        frames = (frames - frames.mean(-1, keepdim=True)) * self.window
        spectrum = torch.fft.rfft(frames)
        power = (spectrum.real.square() + spectrum.imag.square()) * self.scale
        log = torch.log(power + 1e-7)
        # Twice, so that a constant spectrogram (digital silence) becomes zeros, not rounding noise over 1e-9.
        log = log - log.mean((1, 2), keepdim=True)
        log = log - log.mean((1, 2), keepdim=True)
        deviation = log.std((1, 2), keepdim=True, unbiased=False)
        return (log / (deviation + 1e-9)).transpose(1, 2)
