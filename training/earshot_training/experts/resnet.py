"""Residual networks for pictures and spectrograms, named as torchvision names them (reference facts 5.2 and
5.3): ResNet-18 behind VGGSound, ResNeXt-101 behind Inst."""

from collections.abc import Sequence

from torch import Tensor, nn

STAGE_PLANES = (64, 128, 256, 512)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    expansion = 1

    def __init__(self, inputs: int, planes: int, stride: int, groups: int, group_width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = _shortcut(inputs, planes, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, grouped 3x3 and 1x1 convolutions around a shortcut; the stride is the 3x3's."""

    expansion = 4

    def __init__(self, inputs: int, planes: int, stride: int, groups: int, group_width: int):
        super().__init__()
        width, outputs = planes * group_width // 64 * groups, planes * self.expansion
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """Stem, four stages of blocks, and a linear head that only the class scores need.

    `depths`: blocks a stage. `groups`, `group_width`: of the bottlenecks' 3x3 convolutions; 32 and 48 make a
    ResNeXt "32x48d". Pictures [n, channels, height, width].
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: Sequence[int],
        classes: int,
        channels: int = 3,
        groups: int = 1,
        group_width: int = 64,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = 64
        for number, (planes, depth) in enumerate(zip(STAGE_PLANES, depths, strict=True), start=1):
            blocks = []
            for position in range(depth):
                stride = 2 if number > 1 and position == 0 else 1
                blocks.append(block(inputs, planes, stride, groups, group_width))
                inputs = planes * block.expansion
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def stages(self, x: Tensor) -> Tensor:
        """What the last stage gives: [n, 512 * expansion, height / 32, width / 32], rounded up."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def forward(self, x: Tensor) -> Tensor:
        """Class scores before the softmax [n, classes]."""
        return self.fc(self.stages(x).mean(dim=(2, 3)))


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
