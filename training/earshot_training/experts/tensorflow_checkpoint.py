"""Reads VGGish's original checkpoint, `vggish_model.ckpt` (reference fact 5.1). Needs the extra `teacher`."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from earshot_training.experts.errors import ForeignWeightsError, UnreadableWeightsError

# TensorFlow's layers, and where they are in the PyTorch port.
LAYERS = {
    "conv1": "features.0",
    "conv2": "features.3",
    "conv3/conv3_1": "features.6",
    "conv3/conv3_2": "features.8",
    "conv4/conv4_1": "features.11",
    "conv4/conv4_2": "features.13",
    "fc1/fc1_1": "embeddings.0",
    "fc1/fc1_2": "embeddings.2",
    "fc2": "embeddings.4",
}


def is_tensorflow(path: Path) -> bool:
    """Whether a path is that of a TensorFlow checkpoint, by what it is called: of one file, or a prefix."""
    return path.suffix == ".ckpt" or path.with_name(path.name + ".index").exists()


def read_vggish(path: Path) -> dict[str, Tensor]:
    """VGGish's tensors by the names of the PyTorch port. `path`: the file, or the prefix of several.

    Raises UnreadableWeightsError where the file is none or cut short or TensorFlow is not installed,
    ForeignWeightsError where a layer is not there.
    """
    try:
        import tensorflow as tf
    except ImportError:
        raise UnreadableWeightsError(
            f"{path}: reading it needs TensorFlow: pip install -e 'training[teacher]'"
        ) from None
    try:
        reader = tf.train.load_checkpoint(str(path))
        shapes = reader.get_variable_to_shape_map()
        found = {}
        for layer, ours in LAYERS.items():
            for kind, suffix in (("weights", "weight"), ("biases", "bias")):
                variable = f"vggish/{layer}/{kind}"
                if variable not in shapes:
                    raise ForeignWeightsError(f"{path}: expected VGGish's variables but found no {variable}")
                found[f"{ours}.{suffix}"] = _our_layout(reader.get_tensor(variable))
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        why = str(error).splitlines()[0][:120]
        raise UnreadableWeightsError(
            f"{path}: expected a TensorFlow checkpoint, but it is none, or one cut short ({why})"
        ) from None
    return found


def _our_layout(value: np.ndarray) -> Tensor:
    """(height, width, in, out) -> [out, in, height, width]; (in, out) -> [out, in]; a bias stays."""
    axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[value.ndim]
    return torch.from_numpy(np.ascontiguousarray(value.transpose(axes), dtype=np.float32))
