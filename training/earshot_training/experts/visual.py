"""The three visual experts: pictures one by one (Inst, Scene) or short clips (R2P1D); reference fact 5.3.

Frames arrive as squares of `frame_size` pixels. The central 7/8 of one is what the networks see: 224 of 256
pixels for pictures; for clips the same square halved to 112. Crop, scaling and normalisation are part of the
modules.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot_training.experts.densenet import DenseNet
from earshot_training.experts.errors import SettingsError
from earshot_training.experts.expert import VisualExpert
from earshot_training.experts.r2plus1d import R2Plus1D
from earshot_training.experts.resnet import Bottleneck, ResNet

FRAME_SIZE = 256  # pixels
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and deviation of red, green, blue in [0, 1]
KINETICS = ((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989))
R2P1D_CLASSES = {8: 487, 32: 359}  # frames a clip -> classes of the published weights


class FrameFrontEnd(nn.Module):
    """frames uint8 [n, S, S, 3] -> float32 [n, 3, size, size], normalised.

    Crops the central 7/8, which `size` has to divide, and averages it down to `size`. Averaging over squares
    is bilinear scaling where the factor is 2.
    """

    def __init__(self, name: str, frame_size: int, size: int, statistics: Sequence[Sequence[float]]):
        super().__init__()
        crop = frame_size * 7 // 8
        if frame_size % 8 or not crop or crop % size:
            raise SettingsError(
                f"{name}: expected a frame_size that is a multiple of {size * 8 // 7}, but found {frame_size}"
            )
        self.margin, self.crop, self.factor = (frame_size - crop) // 2, crop, crop // size
        mean, deviation = (torch.tensor(values)[:, None, None] for values in statistics)
        self.register_buffer("scale", 1 / (255 * deviation), persistent=False)
        self.register_buffer("shift", -mean / deviation, persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        inside = slice(self.margin, self.margin + self.crop)
        pictures = frames[:, inside, inside].permute(0, 3, 1, 2).float()
        if self.factor > 1:
            pictures = F.avg_pool2d(pictures, self.factor)
        return pictures * self.scale + self.shift


class ImageExpert(VisualExpert):
    """A network that looks at every frame by itself: [B, F, S, S, 3] -> [B, F, dim]."""

    def __init__(
        self,
        statistics: Sequence[Sequence[float]],
        size: int,
        frames_per_second: float,
        hop_frames: int,
        frame_size: int,
    ):
        _check_timing(self.name, frames_per_second, hop_frames)
        super().__init__(frames_per_second=frames_per_second, hop_frames=hop_frames, frame_size=frame_size)
        self.front_end = FrameFrontEnd(self.name, frame_size, size, statistics)
        self.frames_per_second, self.hop_frames, self.frame_size = frames_per_second, hop_frames, frame_size
        self.frames_per_window = self.tokens_per_window = 1

    def pooled(self, pictures: Tensor) -> Tensor:
        """Normalised pictures [n, 3, size, size] -> [n, dim]."""
        raise NotImplementedError

    def forward(self, frames: Tensor) -> Tensor:
        features = self.pooled(self.front_end(frames.flatten(0, 1)))
        return features.reshape(frames.shape[0], -1, features.shape[1])


class Inst(ImageExpert):
    """ResNeXt-101 32x48d, trained on Instagram's hashtags, then ImageNet: 2048 for a picture.

    `group_width` narrower than 48 is for trying things out; no public weights fit it.
    """

    name = "inst"

    def __init__(
        self,
        frames_per_second: float = 25.0,
        hop_frames: int = 1,
        frame_size: int = FRAME_SIZE,
        group_width: int = 48,
        size: int = 224,
        device: torch.device | str = "cpu",
    ):
        super().__init__(IMAGENET, size, frames_per_second, hop_frames, frame_size)
        with torch.device(device):
            self.network = ResNet(Bottleneck, (3, 4, 23, 3), 1000, groups=32, group_width=group_width)

    def pooled(self, pictures: Tensor) -> Tensor:
        return self.network.stages(pictures).mean(dim=(2, 3))


class Scene(ImageExpert):
    """DenseNet-161, trained on Places365: 2208 for a picture."""

    name = "scene"

    def __init__(
        self,
        frames_per_second: float = 25.0,
        hop_frames: int = 1,
        frame_size: int = FRAME_SIZE,
        size: int = 224,
        device: torch.device | str = "cpu",
    ):
        super().__init__(IMAGENET, size, frames_per_second, hop_frames, frame_size)
        with torch.device(device):
            self.network = DenseNet(365)

    def pooled(self, pictures: Tensor) -> Tensor:
        return self.network.pooled(pictures)


class R2P1D(VisualExpert):
    """R(2+1)D-34, trained on IG-65M: 512 for a clip of 8 or 32 frames. [B, F, S, S, 3] -> [B, 1, 512].

    `frames` is the clip's length. The paper says 8; the reference's own settings name the 359 classes of the
    32-frame weights.
    """

    name = "r2p1d"

    def __init__(
        self,
        frames: int = 8,
        frames_per_second: float = 30.0,
        hop_frames: int = 32,
        frame_size: int = FRAME_SIZE,
        size: int = 112,
        classes: int | None = None,
        device: torch.device | str = "cpu",
    ):
        if frames not in R2P1D_CLASSES:
            raise SettingsError(f"r2p1d: expected frames of 8 or 32, but found {frames}")
        _check_timing(self.name, frames_per_second, hop_frames)
        super().__init__(
            frames=frames, frames_per_second=frames_per_second, hop_frames=hop_frames, frame_size=frame_size
        )
        self.front_end = FrameFrontEnd(self.name, frame_size, size, KINETICS)
        with torch.device(device):
            self.network = R2Plus1D(classes or R2P1D_CLASSES[frames])
        self.frames_per_second, self.hop_frames, self.frame_size = frames_per_second, hop_frames, frame_size
        self.frames_per_window, self.tokens_per_window = frames, 1

    def forward(self, frames: Tensor) -> Tensor:
        pictures = self.front_end(frames.flatten(0, 1))
        clips = pictures.unflatten(0, (frames.shape[0], frames.shape[1])).transpose(1, 2)
        return self.network.pooled(clips).unsqueeze(1)


def _check_timing(name: str, frames_per_second: float, hop_frames: int) -> None:
    if not frames_per_second > 0 or hop_frames < 1:
        raise SettingsError(
            f"{name}: expected frames_per_second above 0 and hop_frames of 1 or more, but found"
            f" {frames_per_second} and {hop_frames}"
        )
