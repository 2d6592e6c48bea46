"""Gates of the retrieval models (reference fact 1.3). n(x) below is x / max(|x|, 1e-12), sigma the logistic
function.

Submodule names are those of the reference's checkpoints, so that its weights load (reference fact 1.5).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ContextGating(nn.Module):
    """x [B, D] -> n(x * sigma(BN(W x + b)))."""

    def __init__(self, dim: int):
        super().__init__()
        self.fc = nn.Linear(dim, dim)
        self.batch_norm = nn.BatchNorm1d(dim)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x * torch.sigmoid(self.batch_norm(self.fc(x))), dim=1)


class GatedUnit(nn.Module):
    """Gated embedding unit, input [B, D_in] -> y = W x + b [B, D], then context gating: the text side, and
    MoEE."""

    def __init__(self, input_dim: int, output_dim: int):
        super().__init__()
        self.fc = nn.Linear(input_dim, output_dim)
        self.cg = ContextGating(output_dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.cg(self.fc(x))


class SelfGate(nn.Module):
    """Context gating alone [B, D] -> [B, D]: the clip side of a model with a single expert."""

    def __init__(self, dim: int):
        super().__init__()
        self.cg = ContextGating(dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.cg(x)


class ReduceDim(nn.Module):
    """Brings an expert to the shared size: [B, D_in] -> n(W x + b) [B, D]."""

    def __init__(self, input_dim: int, output_dim: int):
        super().__init__()
        self.fc = nn.Linear(input_dim, output_dim)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.fc(x), dim=1)


class MaskedGating(nn.Module):
    """x, mask [B, D] -> n(x * sigma(BN1(mask) + BN2(W x + b)))."""

    def __init__(self, dim: int):
        super().__init__()
        self.fc = nn.Linear(dim, dim)
        self.batch_norm = nn.BatchNorm1d(dim)  # of the mask
        self.batch_norm2 = nn.BatchNorm1d(dim)  # of the linear map

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return F.normalize(x * torch.sigmoid(self.batch_norm(mask) + self.batch_norm2(self.fc(x))), dim=1)


class CollaborativeGate(nn.Module):
    """The gate of one expert under collaborative gating: what the other experts heard decides what passes."""

    def __init__(self, dim: int):
        super().__init__()
        self.cg = MaskedGating(dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.cg(x, mask)
