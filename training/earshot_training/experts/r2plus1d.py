"""R(2+1)D-34: a residual network over short clips whose convolutions are split into space and time, named as
torchvision names its video networks (reference fact 5.3)."""

from collections.abc import Sequence

from torch import Tensor, nn

DEPTHS = (3, 4, 6, 3)  # blocks a stage
STAGE_PLANES = (64, 128, 256, 512)
EPSILON = 1e-3  # of every batch norm; PyTorch's default is 1e-5


def middle_channels(inputs: int, outputs: int) -> int:
    """Channels between the two halves, so that they have as many weights as one 3x3x3 convolution.

    torchvision reckons this once a block, from its first convolution. In the published weights the second
    convolution has its own: 288, 576 and 1152 in the first blocks of stages 2, 3 and 4.
    """
    return 27 * inputs * outputs // (9 * inputs + 3 * outputs)


class SplitConvolution(nn.Sequential):
    """1x3x3 over space, then 3x1x1 over time, with batch norm and ReLU between."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        middle = middle_channels(inputs, outputs)
        super().__init__(
            nn.Conv3d(inputs, middle, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False),
            nn.BatchNorm3d(middle, EPSILON),
            nn.ReLU(inplace=True),
            nn.Conv3d(middle, outputs, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False),
        )


class SplitBlock(nn.Module):
    """Two split convolutions around a shortcut."""

    def __init__(self, inputs: int, planes: int, stride: int):
        super().__init__()
        self.conv1 = nn.Sequential(
            SplitConvolution(inputs, planes, stride), nn.BatchNorm3d(planes, EPSILON), nn.ReLU(inplace=True)
        )
        self.conv2 = nn.Sequential(SplitConvolution(planes, planes, 1), nn.BatchNorm3d(planes, EPSILON))
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != planes:
            self.downsample = nn.Sequential(
                nn.Conv3d(inputs, planes, 1, stride, bias=False), nn.BatchNorm3d(planes, EPSILON)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.conv1(x))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class R2Plus1D(nn.Module):
    """Clips [n, 3, frames, height, width] -> class scores [n, classes]; `pooled` gives the features."""

    def __init__(self, classes: int, depths: Sequence[int] = DEPTHS):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv3d(3, 45, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
            nn.BatchNorm3d(45, EPSILON),
            nn.ReLU(inplace=True),
            nn.Conv3d(45, 64, (3, 1, 1), 1, (1, 0, 0), bias=False),
            nn.BatchNorm3d(64, EPSILON),
            nn.ReLU(inplace=True),
        )
        inputs = 64
        for number, (planes, depth) in enumerate(zip(STAGE_PLANES, depths, strict=True), start=1):
            blocks = []
            for position in range(depth):
                blocks.append(SplitBlock(inputs, planes, 2 if number > 1 and position == 0 else 1))
                inputs = planes
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def pooled(self, x: Tensor) -> Tensor:
        """The average over time and space after the last stage: [n, 512]."""
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(x)))))
        return x.mean(dim=(2, 3, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.pooled(x))
