"""DenseNet-161, named as torchvision names it (reference fact 5.3)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

GROWTH = 48  # channels that a layer adds
BOTTLENECK = 4  # a layer's 1x1 convolution gives this many times as many
DEPTHS = (6, 12, 36, 24)  # layers a block
FIRST_CHANNELS = 96


class DenseLayer(nn.Module):
    """Adds `growth` channels to those it is given."""

    def __init__(self, inputs: int, growth: int):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, BOTTLENECK * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(BOTTLENECK * growth)
        self.conv2 = nn.Conv2d(BOTTLENECK * growth, growth, 3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(self.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(self.relu(self.norm2(y)))], dim=1)


class DenseNet(nn.Module):
    """Pictures [n, 3, height, width] -> class scores [n, classes]; `pooled` gives the features."""

    def __init__(
        self,
        classes: int,
        growth: int = GROWTH,
        depths: Sequence[int] = DEPTHS,
        first_channels: int = FIRST_CHANNELS,
    ):
        super().__init__()
        features = nn.Sequential()
        features.add_module("conv0", nn.Conv2d(3, first_channels, 7, 2, 3, bias=False))
        features.add_module("norm0", nn.BatchNorm2d(first_channels))
        features.add_module("relu0", nn.ReLU(inplace=True))
        features.add_module("pool0", nn.MaxPool2d(3, 2, 1))
        channels = first_channels
        for number, depth in enumerate(depths, start=1):
            block = nn.Sequential()
            for layer in range(1, depth + 1):
                block.add_module(f"denselayer{layer}", DenseLayer(channels, growth))
                channels += growth
            features.add_module(f"denseblock{number}", block)
            if number < len(depths):
                features.add_module(f"transition{number}", _transition(channels))
                channels //= 2
        features.add_module("norm5", nn.BatchNorm2d(channels))
        self.features = features
        self.classifier = nn.Linear(channels, classes)

    def pooled(self, x: Tensor) -> Tensor:
        """The average over the picture, after the last norm and ReLU: [n, 2208] at full size."""
        return torch.relu(self.features(x)).mean(dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.pooled(x))


def _transition(channels: int) -> nn.Sequential:
    """Halves channels, height and width."""
    transition = nn.Sequential()
    transition.add_module("norm", nn.BatchNorm2d(channels))
    transition.add_module("relu", nn.ReLU(inplace=True))
    transition.add_module("conv", nn.Conv2d(channels, channels // 2, 1, bias=False))
    transition.add_module("pool", nn.AvgPool2d(2, 2))
    return transition
