"""Reads the reference's checkpoints (`trained_model.pth`) without running anything they contain (reference
fact 1.6).

Such a file is a pickle that names classes of the reference's own program. PyTorch's restricted unpickler
reads it; each name that it does not trust is given an inert stand-in, which keeps what it is handed and
does nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from earshot_training.model import CENet, ExpertInput

# Left over from older versions of the reference's model; its own evaluator drops them before a strict load.
OUTDATED = ("ce.moe_fc_bottleneck1.", "ce.moe_cg.", "ce.moe_fc_proj.")


class Inert:
    """Stands in for a class the file names. Keeps its arguments and state, and has no behaviour."""

    def __init__(self, *args: Any):
        self.args = args

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _DataType(Inert):
    """NumPy's dtype; args[0] is a code such as "f8"."""


def _scalar(data_type: _DataType, data: bytes) -> float | int | bool:
    """NumPy's scalar constructor, for plain numbers only."""
    kind = np.dtype(data_type.args[0])
    if kind.kind not in "biuf":
        raise ValueError(f"a checkpoint holds a scalar of type {kind}, which is no plain number")
    return np.frombuffer(data, kind)[0].item()


def _encode(text: str, encoding: str) -> bytes:
    """How Python 2 pickles spell bytes."""
    if encoding != "latin1":
        raise ValueError(f"a checkpoint encodes bytes as {encoding!r}; only latin1 is known")
    return text.encode("latin1")


_KNOWN = {
    "numpy.dtype": _DataType,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
    "_codecs.encode": _encode,
}


@dataclass(frozen=True)
class Checkpoint:
    """What the reference's trainer saved. `config` is the resolved settings; `optimizer` may be left out."""

    arch: str
    epoch: int
    state_dict: dict[str, Tensor]
    monitor_best: float
    config: dict[str, Any]
    optimizer: dict[str, Any] | None


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Reads a checkpoint onto the CPU. Raises pickle.UnpicklingError where a file asks for more than data."""
    unknown = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    stand_ins = [(_KNOWN.get(name) or type("Inert", (Inert,), {"name": name}), name) for name in unknown]
    with torch.serialization.safe_globals(stand_ins):
        content = torch.load(path, map_location="cpu", weights_only=True)
    config = content.get("config")
    if isinstance(config, Inert):
        config = config.state["_config"]
    return Checkpoint(
        arch=content["arch"],
        epoch=content["epoch"],
        state_dict={k: v for k, v in content["state_dict"].items() if not k.startswith(OUTDATED)},
        monitor_best=content["monitor_best"],
        config=config or {},
        optimizer=content.get("optimizer"),
    )


def variant_of(state_dict: Mapping[str, Tensor]) -> str:
    """The variant a model's weights are of, told by their names (reference fact 1.5)."""
    if "ce.g_reason_1.weight" in state_dict:
        return "ce"
    return "single" if "ce.video_dim_reduce.0.fc.weight" in state_dict else "moee"


def build_model(state_dict: Mapping[str, Tensor], experts: Sequence[str]) -> CENet:
    """The model that weights of the reference belong to, in eval mode. All sizes follow from their shapes.

    `experts`: names in model order (sorted), as the weights name only those that are pooled. Raises
    ValueError where their number is not the weights'.
    """
    count = len(state_dict["ce.moe_fc.weight"])
    if count != len(experts):
        raise ValueError(f"the weights are of {count} experts, not of {len(experts)}: {', '.join(experts)}")
    variant = variant_of(state_dict)

    def expert_input(number: int, name: str) -> ExpertInput:
        if f"pooling.{name}.clusters2" in state_dict:
            _, dim, clusters = state_dict[f"pooling.{name}.clusters2"].shape
            return ExpertInput(dim, clusters, state_dict[f"pooling.{name}.clusters"].shape[1] - clusters)
        layer = "video_GU" if variant == "moee" else "video_dim_reduce"
        return ExpertInput(state_dict[f"ce.{layer}.{number}.fc.weight"].shape[1])

    _, text_dim, text_clusters = state_dict["text_pooling.clusters2"].shape
    model = CENet(
        experts={name: expert_input(number, name) for number, name in enumerate(experts)},
        variant=variant,
        text_dim=text_dim,
        text_clusters=text_clusters,
        text_ghosts=state_dict["text_pooling.clusters"].shape[1] - text_clusters,
        shared_dim=state_dict["ce.text_GU.0.fc.weight"].shape[0],
    )
    model.load_state_dict(state_dict, strict=True)
    return model.eval()
