"""VGGSound's ResNet-18: one vector of 512 for every 0.32 s of sound (reference fact 5.2)."""

import torch
from torch import Tensor, nn

from earshot_training.experts.errors import SettingsError
from earshot_training.experts.expert import AudioExpert
from earshot_training.experts.resnet import BasicBlock, ResNet
from earshot_training.frontend import VGGSoundSpectrogram

CLASSES = 309
STRIDE = 32  # spectrogram frames a token
WINDOW_SAMPLES = 160_000  # 10 s: what the network was trained on
HOP_SAMPLES = 76_800  # 5 VGGish examples


def frame_count(samples: int) -> int:
    """Spectrogram frames of a waveform; none below 512 samples."""
    overlap = VGGSoundSpectrogram.FRAME - VGGSoundSpectrogram.HOP
    return max(0, (samples - overlap) // VGGSoundSpectrogram.HOP)


def token_count(samples: int) -> int:
    """Tokens of a waveform: 32 for 10 s, 95 for 30 s."""
    return -(-frame_count(samples) // STRIDE)


def resnet18(classes: int = CLASSES) -> nn.Module:
    """The published model H: spectrograms [n, 1, 257, T] -> class scores [n, 309]."""
    return ResNet(BasicBlock, (2, 2, 2, 2), classes, channels=1)


class VGGSound(AudioExpert):
    """waveform [B, n] at 16 kHz -> [B, ceil(T / 32), 512]: the last stage averaged over frequency only.

    The spectrogram is normalised over the whole of what it is given. `window_samples` and `hop_samples` are
    how a pack listens; they do not change what `forward` does.
    """

    name = "vggsound"

    def __init__(
        self,
        window_samples: int = WINDOW_SAMPLES,
        hop_samples: int = HOP_SAMPLES,
        device: torch.device | str = "cpu",
    ):
        if window_samples < VGGSoundSpectrogram.FRAME or hop_samples < 1:
            raise SettingsError(
                f"vggsound: expected window_samples of {VGGSoundSpectrogram.FRAME} or more and hop_samples of"
                f" 1 or more, but found {window_samples} and {hop_samples}"
            )
        super().__init__(window_samples=window_samples, hop_samples=hop_samples)
        self.front_end = VGGSoundSpectrogram()
        with torch.device(device):
            self.network = resnet18()
        self.window_samples, self.hop_samples = window_samples, hop_samples
        self.tokens_per_window = token_count(window_samples)

    def forward(self, waveform: Tensor) -> Tensor:
        return self.embed(self.front_end(waveform))

    def embed(self, spectrogram: Tensor) -> Tensor:
        """Spectrograms [B, 257, T] -> [B, ceil(T / 32), 512]."""
        return self.network.stages(spectrogram.unsqueeze(1)).mean(dim=2).transpose(1, 2)

    def scores(self, waveform: Tensor) -> Tensor:
        """Model H's class scores before the softmax [B, 309], of which the paper makes no use."""
        return self.network(self.front_end(waveform).unsqueeze(1))
