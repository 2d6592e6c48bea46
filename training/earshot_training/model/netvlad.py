"""NetVLAD: pools a sequence of tokens into one vector (reference fact 1.3)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class NetVLAD(nn.Module):
    """Tokens [B, N, D] -> [B, D * K]: per cluster, the sum of the differences between tokens and the
    cluster's centre.

    `ghosts` extra clusters take part in the assignment and are then dropped; they soak up what means
    nothing. There is no mask: rows of padding are assigned like any other, so a model needs the padded
    lengths it was trained with.
    """

    def __init__(self, feature_dim: int, clusters: int, ghosts: int = 0):
        super().__init__()
        scale = feature_dim**-0.5
        self.clusters = nn.Parameter(scale * torch.randn(feature_dim, clusters + ghosts))  # assignment
        self.clusters2 = nn.Parameter(scale * torch.randn(1, feature_dim, clusters))  # centres
        self.batch_norm = nn.BatchNorm1d(clusters + ghosts)
        self.cluster_count = clusters
        self.feature_dim = feature_dim
        self.output_dim = feature_dim * clusters

    def forward(self, tokens: Tensor) -> Tensor:
        batch, length, dim = tokens.shape
        scores = self.batch_norm(tokens.reshape(-1, dim) @ self.clusters)  # the batch is all B * N tokens
        assignment = scores.softmax(dim=1)[:, : self.cluster_count]  # not normalised again without the ghosts
        assignment = assignment.reshape(batch, length, self.cluster_count)
        mass = assignment.sum(dim=1, keepdim=True)  # [B, 1, K]
        vlad = tokens.transpose(1, 2) @ assignment - mass * self.clusters2  # [B, D, K]
        vlad = F.normalize(vlad, dim=1)
        return F.normalize(vlad.reshape(batch, self.output_dim), dim=1)  # d slow, k fast
