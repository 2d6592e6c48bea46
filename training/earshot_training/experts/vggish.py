"""VGGish: one vector of 128 for every 0.96 s of sound (reference fact 5.1)."""

import torch
from torch import Tensor, nn

from earshot_training.experts.errors import SettingsError
from earshot_training.experts.expert import AudioExpert
from earshot_training.frontend import VGGishLogMel

DIM = 128


class PostProcessor(nn.Module):
    """Whitening by a published PCA: E (x - mean), for x [..., 128]."""

    def __init__(self):
        super().__init__()
        self.register_buffer("pca_eigen_vectors", torch.eye(DIM))
        self.register_buffer("pca_means", torch.zeros(DIM, 1))

    def forward(self, embedding: Tensor) -> Tensor:
        return torch.matmul(embedding - self.pca_means[:, 0], self.pca_eigen_vectors.T)


class VGGishNetwork(nn.Module):
    """Log-mel examples [n, 1, 96, 64] -> embeddings [n, 128] before the last activation.

    Parameters are named and ordered as in the public PyTorch port; `pproc` is there with `pca` only.
    """

    def __init__(self, pca: bool = False):
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for outputs in (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool"):
            if outputs == "pool":
                layers.append(nn.MaxPool2d(2, 2))
                continue
            layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.ReLU(inplace=True)]
            channels = outputs
        self.features = nn.Sequential(*layers)
        self.embeddings = nn.Sequential(
            nn.Linear(512 * 6 * 4, 4096), nn.ReLU(inplace=True),
            nn.Linear(4096, 4096), nn.ReLU(inplace=True),
            nn.Linear(4096, DIM),
        )  # fmt: skip
        self.pproc = PostProcessor() if pca else None

    def forward(self, examples: Tensor) -> Tensor:
        maps = self.features(examples)  # [n, 512, 6 in time, 4 in mel]
        # The first linear layer comes from TensorFlow, where channels are the fastest axis.
        return self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))


class VGGish(AudioExpert):
    """waveform [B, n] at 16 kHz -> [B, examples, 128]; an incomplete last example is dropped.

    `relu`: with the activation after the last layer, which the original program had until August 2020 and
    the PyTorch port still has. `pca`: whitened by the published PCA. `quantise` (with `pca`): then clipped to
    [-2, 2] and rounded to whole numbers from 0 to 255. Which of these the published features are is not
    known; `extract.vggish_variant` tells it from features.
    """

    name = "vggish"

    def __init__(
        self,
        relu: bool = False,
        pca: bool = False,
        quantise: bool = False,
        device: torch.device | str = "cpu",
    ):
        if quantise and not pca:
            raise SettingsError(
                "vggish: quantise=True needs pca=True, as the range is that of whitened vectors"
            )
        super().__init__(relu=relu, pca=pca, quantise=quantise)
        self.front_end = VGGishLogMel()
        with torch.device(device):
            self.network = VGGishNetwork(pca)
        self.relu, self.quantise = relu, quantise
        self.window_samples = VGGishLogMel.EXAMPLE_SAMPLES
        self.hop_samples = VGGishLogMel.EXAMPLE_FRAMES * VGGishLogMel.HOP
        self.tokens_per_window = 1

    def forward(self, waveform: Tensor) -> Tensor:
        return self.embed(self.front_end(waveform))

    def embed(self, examples: Tensor) -> Tensor:
        """Log-mel examples [B, examples, 96, 64] -> [B, examples, 128]."""
        embedding = self.network(examples.flatten(0, 1).unsqueeze(1))
        if self.relu:
            embedding = torch.relu(embedding)
        if self.network.pproc is not None:
            embedding = self.network.pproc(embedding)
        if self.quantise:
            embedding = torch.round((embedding.clamp(-2.0, 2.0) + 2.0) * (255.0 / 4.0))
        return embedding.reshape(examples.shape[0], -1, DIM)
