"""Imports the public weights of the experts (reference facts 5.1 to 5.3): nothing in a file is run, and
names, shapes and hash have to fit.

The files wrap and prefix their tensors in ways of their own; `network_weights` takes that off. What is left
has to be exactly the state_dict of the expert's `network`.
"""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from earshot_training.downloads import Expected, hub_prefix
from earshot_training.experts.build import build_expert
from earshot_training.experts.catalogue import EXPERTS
from earshot_training.experts.errors import ForeignWeightsError, SettingsError, UnreadableWeightsError
from earshot_training.experts.expert import Expert
from earshot_training.experts.tensorflow_checkpoint import is_tensorflow, read_vggish
from earshot_training.experts.visual import R2P1D_CLASSES

WRAPPERS = ("model_state_dict", "state_dict")  # VGGSound's file; Places365's
PREFIXES = ("audnet.", "module.")
KINETICS_CLASSES = 400  # R(2+1)D weights that were tuned further; the network is the same
# Files of PyTorch before 0.4 write `norm.1`, `conv.2` inside a dense layer.
OLD_DENSE_NAME = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")
PCA_SHAPES = {"pca_eigen_vectors": (128, 128), "pca_means": (128, 1)}

# NumPy arrays inside a torch file: what rebuilds them, under its names of before and after NumPy 2.
_ARRAYS = [
    *(
        (np._core.multiarray._reconstruct, f"numpy.{core}.multiarray._reconstruct")
        for core in ("core", "_core")
    ),
    (np.ndarray, "numpy.ndarray"),
    (np.dtype, "numpy.dtype"),
    *(type(np.dtype(kind)) for kind in ("f4", "f8")),
]
# A name that only one network's weights have.
_SIGNATURES = {
    "avgpool.centroids": "VGGSound's model I (NetVLAD pooling), where the paper's features are of model H",
    "embeddings.4.weight": "vggish",
    "features.denseblock1.denselayer1.conv1.weight": "scene",
    "stem.0.weight": "r2p1d",
    "layer1.0.conv3.weight": "inst",
    "layer1.0.conv2.weight": "vggsound",
    "pca_means": "VGGish's PCA",
    "text_pooling.clusters": "a retrieval model",
}


def load_expert(name: str, weights: Path, pca_file: Path | None = None, **settings: Any) -> Expert:
    """An expert with the public weights of a file, in eval mode.

    `weights`: as published; for VGGish the PyTorch port's file or TensorFlow's checkpoint. `pca_file`:
    VGGish's PCA parameters (.pth or .npz), needed with `pca=True` among the settings, which it implies.
    Raises WeightsError, SettingsError; downloads.MismatchError where a file is not what the hash in its
    name says.
    """
    if pca_file is not None:
        settings["pca"] = True
    if settings.get("pca") and pca_file is None:
        raise SettingsError(f"{name}: pca=True needs the file of the PCA's parameters")
    expert = build_expert(name, device="meta", **settings)
    found = network_weights(weights)
    if name == "r2p1d":
        classes = _clip_classes(found, settings.get("frames", 8), weights)
        expert = build_expert(name, **{**settings, "classes": classes, "device": "meta"})
    if pca_file is not None:
        found.update((f"pproc.{key}", value) for key, value in read_pca(pca_file).items())
    expected = expert.network.state_dict()
    for key, tensor in expected.items():
        if key.endswith("num_batches_tracked"):  # which files of PyTorch before 0.4.1 lack
            found.setdefault(key, torch.zeros_like(tensor, device="cpu"))
    _check_fit(name, expected, found, weights)
    expert.network.load_state_dict(found, strict=True, assign=True)
    return expert


def network_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a published file by the names of our networks, floats in single precision.

    A torch file's may stay on disk until they are used. Raises UnreadableWeightsError, MismatchError.
    """
    if is_tensorflow(path):
        return read_vggish(path)
    content = read_torch(path)
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and wrapper in content:
            content = content[wrapper]
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        raise UnreadableWeightsError(f"{path}: expected tensors by name but found a {type(content).__name__}")
    tensors = {key: value for key, value in content.items() if isinstance(value, Tensor)}
    for prefix in PREFIXES:
        if tensors and all(key.startswith(prefix) for key in tensors):
            tensors = {key.removeprefix(prefix): value for key, value in tensors.items()}
    return {
        OLD_DENSE_NAME.sub(r"\1\2.", key): value.float() if value.is_floating_point() else value
        for key, value in tensors.items()
    }


def read_pca(path: Path) -> dict[str, Tensor]:
    """VGGish's PCA from the PyTorch port's .pth or TensorFlow's .npz: `pca_eigen_vectors` [128, 128] and
    `pca_means` [128, 1]."""
    if path.suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as arrays:
                content = dict(arrays)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise UnreadableWeightsError(f"{path}: no NumPy archive, or one cut short ({error})") from None
    else:
        content = read_torch(path)
    found = {}
    for key, shape in PCA_SHAPES.items():
        value = content.get(key) if isinstance(content, Mapping) else None
        if value is None:
            raise ForeignWeightsError(f"{path}: expected VGGish's PCA, but it holds no {key}")
        tensor = torch.as_tensor(value, dtype=torch.float32)
        if tensor.numel() != np.prod(shape) or tensor.shape[0] != shape[0]:
            raise ForeignWeightsError(
                f"{path}: expected {key} of shape {list(shape)} but found {list(tensor.shape)}"
            )
        found[key] = tensor.reshape(shape)
    return found


def read_torch(path: Path) -> Any:
    """What a torch file holds: tensors, NumPy arrays and plain containers; everything else is refused.

    Its hash is checked first if its name ends with the start of one. Raises UnreadableWeightsError,
    downloads.MismatchError.
    """
    if not path.is_file():
        raise UnreadableWeightsError(f"{path}: no such file")
    Expected(sha256_prefix=hub_prefix(path.name)).check(path, str(path))
    try:
        with torch.serialization.safe_globals(_ARRAYS):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:  # torch's reader says in many ways that a file is not what it should be
        more = re.search(r"GLOBAL (\S+)", str(error))
        if more:
            why = f"it asks for {more.group(1)}, which is more than data"
        else:
            # Of a pickle's errors torch first says how to run what it holds, which is no advice to pass on.
            told = str(error).rpartition("WeightsUnpickler error:")[2].strip() or type(error).__name__
            why = f"it is no torch file, or one cut short ({told.splitlines()[0][:120]})"
        raise UnreadableWeightsError(f"{path}: expected weights, but {why}") from None


def _clip_classes(found: Mapping[str, Tensor], frames: int, path: Path) -> int:
    """How many classes an R(2+1)D file has; the wrong clip length shows in nothing else."""
    classes = len(found["fc.weight"]) if "fc.weight" in found else R2P1D_CLASSES[frames]
    for other, of_other in R2P1D_CLASSES.items():
        if classes == of_other and other != frames:
            raise ForeignWeightsError(
                f"{path}: expected weights for clips of {frames} frames ({R2P1D_CLASSES[frames]} classes) but"
                f" found those for {other} ({of_other}); use frames={other}"
            )
    return classes if classes == KINETICS_CLASSES else R2P1D_CLASSES[frames]


def _check_fit(name: str, expected: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path) -> None:
    """Raises ForeignWeightsError with the first differences in names and shapes, or numbers not finite."""
    missing = [key for key in expected if key not in found]
    unknown = [key for key in found if key not in expected]
    shapes = [
        f"{key} is {list(found[key].shape)} instead of {list(tensor.shape)}"
        for key, tensor in expected.items()
        if key in found and found[key].shape != tensor.shape
    ]
    if missing or unknown or shapes:
        whose = next((other for key, other in _SIGNATURES.items() if key in found), "another network")
        title = f"those of {whose}" if whose != name else "a variant of them"
        details = (_few("missing", missing), _few("not known", unknown), _few("other shapes", shapes))
        raise ForeignWeightsError(
            f"{path}: expected the weights of {name} ({EXPERTS[name].dim} features) but found {title}: "
            + "; ".join(filter(None, details))
        )
    for key, tensor in found.items():
        if tensor.is_floating_point() and not all(map(torch.isfinite, tensor.aminmax())):
            raise ForeignWeightsError(f"{path}: expected finite numbers but found others in {key}")


def _few(title: str, items: list[str]) -> str:
    more = f" and {len(items) - 2} more" if len(items) > 2 else ""
    return f"{title}: {', '.join(items[:2])}{more}" if items else ""
