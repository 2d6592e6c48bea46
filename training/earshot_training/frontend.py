"""The two audio front ends of the paper, as modules that export to ONNX.

Both turn a waveform (16 kHz, mono, float in [-1, 1]) into a spectrogram. The discrete Fourier transform is
a strided one-dimensional convolution with the window folded into its cosine and sine kernels: it exports to
one ONNX operator and is faster on a CPU than the STFT operator. The kernels are computed in double
precision and are buffers that never enter a state_dict, so weights trained behind a front end load without
it.

Sources: VGGish's log-mel, reference fact 5.1; the VGGSound spectrogram, reference fact 5.2.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

SAMPLE_RATE = 16_000  # Hz
FFT_LENGTH = 512  # samples; both front ends have 257 frequency bins, 31.25 Hz apart


def fourier_kernels(window: np.ndarray, remove_mean: bool = False) -> np.ndarray:
    """Convolution kernels whose outputs are the real and the imaginary parts of a windowed FFT of 512 points.

    `window` [taps]: at most 512 taps, the rest of the transform being zero padding. `remove_mean` subtracts
    from every frame its own mean before the window is applied: being linear, that folds into the kernels.
    Returns [514, taps]: 257 cosine rows, then 257 sine rows.
    """
    taps = np.arange(len(window))
    bins = np.arange(FFT_LENGTH // 2 + 1)
    angle = 2 * np.pi / FFT_LENGTH * (np.outer(bins, taps) % FFT_LENGTH)
    kernels = np.concatenate([np.cos(angle), -np.sin(angle)]) * window
    if remove_mean:
        kernels = kernels - kernels.mean(axis=1, keepdims=True)
    return kernels


def mel_filters() -> np.ndarray:
    """VGGish's mel filter bank [64, 257]: triangles linear in mel, peak 1, edges from 125 to 7500 Hz."""

    def mel(hertz):
        return 1127.0 * np.log(1.0 + hertz / 700.0)

    edges = np.linspace(mel(125.0), mel(7500.0), 64 + 2)[:, None]
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    bins = mel(np.linspace(0.0, SAMPLE_RATE / 2, FFT_LENGTH // 2 + 1))[None, :]
    rising, falling = (bins - lower) / (centre - lower), (upper - bins) / (upper - centre)
    filters = np.maximum(0.0, np.minimum(rising, falling))
    filters[:, 0] = 0.0  # the DC bin counts nowhere
    return filters


class VGGishLogMel(nn.Module):
    """VGGish's input: natural log of mel-weighted magnitudes, cut into examples of 0.96 s (reference fact
    5.1).

    waveform [B, n] -> [B, examples, 96, 64] (time before mel). Frames of 400 samples every 160; an
    incomplete last example is dropped, so n must be at least 15,600 samples. Digital silence gives
    log(0.01) = -4.60517.
    """

    FRAME, HOP = 400, 160  # samples: 25 ms every 10 ms
    EXAMPLE_FRAMES, MEL_BANDS = 96, 64
    EXAMPLE_SAMPLES = FRAME + (EXAMPLE_FRAMES - 1) * HOP  # 15,600
    LOG_OFFSET = 0.01

    def __init__(self, dtype: torch.dtype = torch.float32):
        super().__init__()
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.FRAME) / self.FRAME)  # periodic
        kernels = torch.from_numpy(fourier_kernels(hann)).to(dtype)
        self.register_buffer("kernels", kernels[:, None, :], persistent=False)  # [514, 1, 400]
        self.register_buffer("mel", torch.from_numpy(mel_filters()).to(dtype), persistent=False)  # [64, 257]

    def frames(self, waveform: Tensor) -> Tensor:
        """All frames before they are cut into examples: [B, n] -> [B, 1 + (n - 400) // 160, 64]."""
        real, imaginary = F.conv1d(waveform[:, None, :], self.kernels, stride=self.HOP).chunk(2, dim=1)
        magnitude = torch.sqrt(real * real + imaginary * imaginary)  # [B, 257, frames]
        return torch.log(torch.matmul(self.mel, magnitude) + self.LOG_OFFSET).transpose(1, 2)

    def forward(self, waveform: Tensor) -> Tensor:
        frame_count = 1 + (waveform.shape[1] - self.FRAME) // self.HOP
        examples = frame_count // self.EXAMPLE_FRAMES
        frames = self.frames(waveform)[:, : examples * self.EXAMPLE_FRAMES]
        return frames.reshape(waveform.shape[0], examples, self.EXAMPLE_FRAMES, self.MEL_BANDS)


class VGGSoundSpectrogram(nn.Module):
    """The VGGSound network's input: a log power spectrogram, normalised over the whole window (reference
    fact 5.2).

    waveform [B, n] -> [B, 257, T] (frequency before time), T = (n - 353) // 159. The same numbers as
    `scipy.signal.spectrogram(clip(x, -1, 1), 16000, nperseg=512, noverlap=353)` gives, then log(s + 1e-7),
    then minus the mean, over the standard deviation. The reference repeats short clips to 10 s
    first; that is the caller's business.
    """

    FRAME, HOP = 512, 159  # samples: 32 ms every 9.9 ms
    LOG_OFFSET = 1e-7

    def __init__(self, dtype: torch.dtype = torch.float32):
        super().__init__()
        window = tukey(self.FRAME, alpha=0.25)
        # Density scaling, and doubling for the negative frequencies that a one-sided spectrum leaves out.
        density = np.full(FFT_LENGTH // 2 + 1, 2.0 / (SAMPLE_RATE * (window**2).sum()))
        density[[0, -1]] /= 2.0
        kernels = fourier_kernels(window, remove_mean=True) * np.sqrt(np.tile(density, 2))[:, None]
        kernels = torch.from_numpy(kernels).to(dtype)
        self.register_buffer("kernels", kernels[:, None, :], persistent=False)  # [514, 1, 512]

    def forward(self, waveform: Tensor) -> Tensor:
        waveform = waveform.clamp(-1.0, 1.0)
        real, imaginary = F.conv1d(waveform[:, None, :], self.kernels, stride=self.HOP).chunk(2, dim=1)
        # log(s + 1e-7) less the constant log(1e-7), which the centring takes away anyhow: silence is then
        # exactly zero.
        spectrogram = torch.log((real * real + imaginary * imaginary) / self.LOG_OFFSET + 1.0)
        centred = spectrogram - spectrogram.mean(dim=(1, 2), keepdim=True)
        deviation = torch.sqrt((centred * centred).mean(dim=(1, 2), keepdim=True))
        # The reference adds 1e-9, which matters to silence alone; the ONNX exporter drops so small an addend.
        return centred / deviation.clamp(min=1e-9)


def tukey(length: int, alpha: float) -> np.ndarray:
    """Periodic Tukey window [length], a flat top with cosine slopes on the outer `alpha` of it."""
    position = np.arange(length) / length
    distance = np.minimum(position, 1.0 - position)  # from the nearer end; the window has period `length`
    slope = 0.5 * (1.0 - np.cos(2.0 * np.pi / alpha * distance))
    return np.where(distance < alpha / 2.0, slope, 1.0)
