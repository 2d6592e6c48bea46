"""Weights by a formula that any language can repeat (golden/README.md, "Hash weights")."""

import numpy as np
import torch


def hash_values(count: int, seed: int) -> np.ndarray:
    """[count] doubles in [-1, 1)."""
    h = np.arange(count, dtype=np.uint32) * np.uint32(2654435761)
    h += np.uint32((seed * 40503 + 12345) % 2**32)
    h ^= h >> np.uint32(15)
    h *= np.uint32(2246822519)
    h ^= h >> np.uint32(13)
    h *= np.uint32(3266489917)
    h ^= h >> np.uint32(16)
    return h / 2147483648 - 1


def fill_with_hash_weights(network: torch.nn.Module, hash_seed: int) -> None:
    for position, (name, tensor) in enumerate(network.state_dict().items()):
        kind = name.rpartition(".")[2]
        if kind == "num_batches_tracked":
            tensor.zero_()
            continue
        u = hash_values(tensor.numel(), 1000 * hash_seed + position).reshape(tensor.shape)
        if kind in ("running_mean", "pca_means"):
            value = 0.2 * u
        elif kind == "running_var":
            value = 1 + 0.5 * u
        elif kind == "bias":
            value = 0.1 * u
        elif kind == "pca_eigen_vectors":
            value = u * np.sqrt(3 / tensor.shape[1])
        elif tensor.dim() == 1:
            value = 1 + 0.3 * u
        else:
            value = u * np.sqrt(6 / np.prod(tensor.shape[1:]))
        tensor.copy_(torch.from_numpy(value.astype(np.float32)))
