"""Takes up the experts of an exported starter pack, so that a new run goes on where an older one ended.

The pack's graphs hold convolutions that have taken in their batch norms (`export.fold_batch_norms`). Each
norm is set up again behind its convolution so that the network computes what the pack does in eval mode, and,
its statistics being those of real scenes, nearly so in training.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from earshot_training.errors import MendableError

PREFIX = "module.network."
HALF = "_half"


class ForeignPackError(MendableError):
    """The pack cannot be trained further by this run. The message says what differs."""


def earlier_figures(pack: Path) -> dict:
    """What a starter pack's manifest says of it: `version`, `data` it was trained on, figures on `test`.

    Raises ForeignPackError where `pack` is no pack of this recipe.
    """
    try:
        manifest = json.loads((pack / "manifest.json").read_text(encoding="utf-8"))
        provenance = manifest["provenance"]
        return {"version": manifest["version"], "data": provenance["data"], "test": provenance["test"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ForeignPackError(
            f"{pack} is no starter pack: its manifest does not say what it was trained on"
        ) from error


def check_licence(pack: Path, strict: bool) -> None:
    """Refuses to train further under the strict licence rule what was not begun under it.

    Raises ForeignPackError, also where `pack` is no pack of this recipe.
    """
    begun_strict = earlier_figures(pack)["data"]["strict"]
    if strict and not begun_strict:
        raise ForeignPackError(
            f"{pack} was not trained under --strict-licence, so a strict run cannot go on from it"
        )


def read_weights(graph_file: Path) -> dict[str, Tensor]:
    """The weights of an exported expert by the names its network has: float32, whatever the file holds."""
    return {
        tensor.name.removeprefix(PREFIX).removesuffix(HALF): torch.from_numpy(
            onnx.numpy_helper.to_array(tensor).astype(np.float32)
        )
        for tensor in onnx.load(graph_file).graph.initializer
        if tensor.name.startswith(PREFIX)
    }


@torch.no_grad()
def take_up(network: nn.Module, graph_file: Path, inputs: Tensor) -> None:
    """Gives `network` the weights of an exported expert.

    inputs: examples of what the network is fed (front end applied), from which the norms' statistics are
    measured. Raises ForeignPackError where names or shapes differ.
    """
    weights = read_weights(graph_file)
    norms = _norm_behind(network)
    folded = {f"{place}.bias": norm for place, norm in norms.items()}
    own = network.state_dict()
    wanted = {name for name in own if not any(name.startswith(f"{norm}.") for norm in norms.values())}
    if wanted | set(folded) != set(weights):
        raise ForeignPackError(f"{graph_file.name} has weights {sorted(weights)}, not {sorted(wanted)}")
    for name in sorted(wanted):
        if own[name].shape != weights[name].shape:
            raise ForeignPackError(
                f"{graph_file.name}: {name} has shape {list(weights[name].shape)},"
                f" not {list(own[name].shape)}"
            )
        own[name].copy_(weights[name])
    modules = dict(network.named_modules())
    for bias, place in folded.items():
        norm = modules[place]
        nn.init.zeros_(norm.running_mean)
        nn.init.constant_(norm.running_var, 1.0 - norm.eps)
        nn.init.ones_(norm.weight)
        norm.bias.copy_(weights[bias])
    _measure_norms(network.eval(), [modules[place] for place in norms.values()], inputs)


def _norm_behind(network: nn.Module) -> dict[str, str]:
    """The name of each convolution with a batch norm behind it -> the name of that norm."""
    found = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.Sequential):
            for place in range(len(module) - 1):
                if isinstance(module[place], nn.Conv2d) and isinstance(module[place + 1], nn.BatchNorm2d):
                    found[f"{name}.{place}"] = f"{name}.{place + 1}"
    return found


def _measure_norms(network: nn.Module, norms: list[nn.BatchNorm2d], inputs: Tensor) -> None:
    """Sets each norm's statistics to those of its input, and its scale and shift so that nothing changes."""
    measured: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def measure(norm: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        (x,) = arguments
        measured[norm] = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)

    handles = [norm.register_forward_pre_hook(measure) for norm in norms]
    network(inputs)
    for handle in handles:
        handle.remove()
    for norm, (mean, variance) in measured.items():
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.add_(mean)
