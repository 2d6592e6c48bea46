"""The ONNX files of a model pack: audio experts, clip encoder, text encoder.

Inputs and outputs have the names and shapes of docs/model-packs.md; B is the batch, E the number of experts.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from earshot_training.model import CENet
from earshot_training.onnx_export import export_module


def export_expert(module: nn.Module, path: Path, window_samples: int, half: bool = True) -> float:
    """An audio expert: waveform [B, window_samples] -> features [B, tokensPerWindow, featureDim].

    `module` takes waveforms: its front end is part of it. Returns the largest difference from PyTorch.
    """
    waveform = 0.1 * torch.randn(3, window_samples, generator=torch.Generator().manual_seed(0))
    return export_module(module, path, {"waveform": waveform}, ["features"], half)


def export_clip_encoder(model: CENet, path: Path, max_tokens: Mapping[str, int], half: bool = True) -> float:
    """The clip side: features_<expert> [B, max_tokens, dim] and availability [B, E] -> embedding_<expert>
    [B, D_e].

    `max_tokens` by expert; an averaged expert has one token. Returns the largest difference from PyTorch.
    """
    generator = torch.Generator().manual_seed(0)
    inputs = {
        f"features_{name}": torch.randn(4, max_tokens[name], expert.dim, generator=generator)
        for name, expert in model.experts.items()
    }
    availability = torch.ones(4, len(inputs))
    if len(inputs) > 1:  # a missing expert, and another one
        availability[0, 0] = availability[1, -1] = 0
    inputs["availability"] = availability
    return export_module(
        ClipEncoder(model), path, inputs, [f"embedding_{name}" for name in model.experts], half
    )


def export_text_encoder(model: CENet, path: Path, word_limit: int, half: bool = True) -> float:
    """The text side: words [B, word_limit, dim] -> embedding_<expert> [B, D_e] and weights [B, E].

    Returns the largest difference from PyTorch.
    """
    words = torch.randn(
        3, word_limit, model.text_pooling.feature_dim, generator=torch.Generator().manual_seed(0)
    )
    words[1, word_limit // 2 :] = 0
    outputs = [*(f"embedding_{name}" for name in model.experts), "weights"]
    return export_module(TextEncoder(model), path, {"words": words}, outputs, half)


class ClipEncoder(nn.Module):
    """`CENet.encode_clip` with tensors for arguments: features in the experts' order, then availability."""

    def __init__(self, model: CENet):
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        *sequences, availability = inputs
        features = {
            name: tokens if expert.clusters else tokens[:, 0]
            for (name, expert), tokens in zip(self.model.experts.items(), sequences, strict=True)
        }
        return tuple(self.model.encode_clip(features, availability).values())


class TextEncoder(nn.Module):
    """`CENet.encode_text` with a flat tuple for a result: embeddings in the experts' order, then weights."""

    def __init__(self, model: CENet):
        super().__init__()
        self.model = model

    def forward(self, words: Tensor) -> tuple[Tensor, ...]:
        embeddings, weights = self.model.encode_text(words)
        return *embeddings.values(), weights
