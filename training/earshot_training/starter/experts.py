"""The starter pack's two audio experts: the paper's two front ends, slim networks.

Both are plain residual CNNs of dense 3x3 convolutions, which run near the peak of a CPU. Shapes:
`SlimVGGish`: log-mel [n, 96, 64] -> [n, 1, dim]; `SlimVGGSound`: spectrogram [n, 257, 192] ->
[n, 6, 16 * width].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def _down(inputs: int, outputs: int, kernel: int = 3, stride: int | tuple[int, int] = 2) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.body(x))


class SlimVGGish(nn.Module):
    """One embedding per VGGish example of 0.96 s, as the paper's VGGish gives it (reference fact 5.1).

    It is taken before the activation.
    """

    def __init__(self, width: int = 24, dim: int = 128):
        super().__init__()
        w = width
        self.dim = dim
        self.body = nn.Sequential(
            _down(1, w),
            _down(w, 2 * w), _Residual(2 * w),
            _down(2 * w, 4 * w), _Residual(4 * w),
            _down(4 * w, 8 * w), _Residual(8 * w),
        )  # fmt: skip
        self.embed = nn.Linear(2 * 8 * w, dim)

    def forward(self, log_mel: Tensor) -> Tensor:
        # Silence is -4.6 and loud bands reach 3: centre the input once, so that BN starts well.
        x = self.body((log_mel.unsqueeze(1) + 2.0) / 2.0)
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        return self.embed(pooled).unsqueeze(1)


class SlimVGGSound(nn.Module):
    """Features over time: the last stage averaged over frequency only, as in the paper (reference fact 5.2).

    One token for every 32 frames of the spectrogram.
    """

    def __init__(self, width: int = 16):
        super().__init__()
        w = width
        self.dim = 16 * w
        self.body = nn.Sequential(
            _down(1, w, 7, (4, 2)),
            _down(w, 2 * w),
            _down(2 * w, 4 * w), _Residual(4 * w),
            _down(4 * w, 8 * w), _Residual(8 * w),
            _down(8 * w, 16 * w),
        )  # fmt: skip

    def forward(self, spectrogram: Tensor) -> Tensor:
        return self.body(spectrogram.unsqueeze(1)).mean(2).transpose(1, 2)


class Heads(nn.Module):
    """What an expert is trained against; thrown away afterwards."""

    def __init__(self, dim: int, kinds: int, classes: int = 521, features: int = 1024):
        super().__init__()
        self.norm = nn.BatchNorm1d(dim)
        self.classes = nn.Linear(dim, classes)
        # Most of the 521 classes are absent most of the time: start there.
        nn.init.constant_(self.classes.bias, -6.0)
        self.features = nn.Sequential(nn.Linear(dim, 512), nn.ReLU(inplace=True), nn.Linear(512, features))
        self.kinds = nn.Linear(2 * dim, kinds)
        self.dropout = nn.Dropout(0.2)

    def forward(self, tokens: Tensor, windows: int) -> tuple[Tensor, Tensor, Tensor]:
        """An expert's tokens [scenes, time, dim] -> what it is trained against.

        For each window logits of the teacher's classes [scenes, windows, classes] and the teacher's features
        [scenes, windows, features]; for each scene logits of the kinds [scenes, kinds].
        """
        scenes, time, dim = tokens.shape
        normed = self.norm(tokens.reshape(-1, dim)).reshape(scenes, time, dim)
        window = normed.reshape(scenes, windows, time // windows, dim).mean(2)
        scene = torch.cat([normed.mean(1), normed.amax(1)], 1)
        window = self.dropout(window)
        return self.classes(window), self.features(window), self.kinds(self.dropout(scene))
