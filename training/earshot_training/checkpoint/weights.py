"""The model that the weights of a checkpoint belong to: its variant and all sizes follow from their names and
shapes (reference fact 1.5)."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from earshot_training.checkpoint.reading import CheckpointError
from earshot_training.model import CENet, ExpertInput


def variant_of(state_dict: Mapping[str, Tensor]) -> str:
    """The variant a model's weights are of, told by their names (reference fact 1.5).

    Raises CheckpointError for weights of another architecture, such as the follow-up's multi-modal
    transformer.
    """
    for name in ("text_pooling.clusters2", "ce.moe_fc.weight"):
        if name not in state_dict:
            raise CheckpointError(
                f"expected weights of a CE, MoEE or single-expert model, found none called {name};"
                f" there are {', '.join(list(state_dict)[:3]) or 'none at all'} ..."
            )
    if "ce.g_reason_1.weight" in state_dict:
        return "ce"
    return "single" if "ce.video_dim_reduce.0.fc.weight" in state_dict else "moee"


def build_model(state_dict: Mapping[str, Tensor], experts: Sequence[str]) -> CENet:
    """The model that weights of the reference belong to, in eval mode.

    `experts`: names in model order (sorted), as the weights name only those that are pooled. Raises
    CheckpointError where the weights are of another architecture, of other experts, or not finite.
    """
    sizes = _sizes(state_dict, experts)
    with torch.device("meta"):  # takes no memory, whatever sizes a file claims
        _check_names_and_shapes(state_dict, CENet(**sizes))
    for name, value in state_dict.items():
        _check_numbers(name, value)
    model = CENet(**sizes)
    model.load_state_dict(state_dict, strict=True)
    return model.eval()


def rename_experts(state_dict: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    """The same weights with other names of the pooled experts; `names` maps the old ones to the new ones."""

    def renamed(key: str) -> str:
        part, _, rest = key.partition(".")
        expert, _, end = rest.partition(".")
        return f"pooling.{names.get(expert, expert)}.{end}" if part == "pooling" else key

    return {renamed(key): value for key, value in state_dict.items()}


def _sizes(state_dict: Mapping[str, Tensor], experts: Sequence[str]) -> dict:
    """Keyword arguments of `CENet`."""

    def shape(name: str, axes: int) -> tuple[int, ...]:
        if name not in state_dict:
            raise CheckpointError(
                f"expected {name} in the weights, to tell their sizes by, found none of that name"
            )
        found = tuple(state_dict[name].shape)
        if len(found) != axes or 0 in found:
            raise CheckpointError(f"expected {name} to have {axes} axes, found shape {list(found)}")
        return found

    def pool(name: str) -> ExpertInput:
        _, dim, clusters = shape(f"{name}.clusters2", 3)
        columns = shape(f"{name}.clusters", 2)[1]
        if columns < clusters:
            raise CheckpointError(f"expected {name}.clusters to have {clusters} columns, found {columns}")
        return ExpertInput(dim, clusters, columns - clusters)

    def expert_input(number: int, name: str) -> ExpertInput:
        if f"pooling.{name}.clusters2" in state_dict:
            return pool(f"pooling.{name}")
        layer = "video_GU" if variant == "moee" else "video_dim_reduce"
        return ExpertInput(shape(f"ce.{layer}.{number}.fc.weight", 2)[1])

    variant = variant_of(state_dict)
    text, count = pool("text_pooling"), shape("ce.moe_fc.weight", 2)[0]
    if count != len(experts):
        raise CheckpointError(
            f"the weights are of {count} experts, not of {len(experts)}: {', '.join(experts)}"
        )
    if variant != "moee" and (variant == "single") != (count == 1):
        raise CheckpointError(
            f"expected collaborative gating (ce.g_reason_1) for several experts and none for one,"
            f" found weights of {count} with{'out' if variant == 'single' else ''} it"
        )
    return {
        "experts": {name: expert_input(number, name) for number, name in enumerate(experts)},
        "variant": variant,
        "text_dim": text.dim,
        "text_clusters": text.clusters,
        "text_ghosts": text.ghosts,
        "shared_dim": shape("ce.text_GU.0.fc.weight", 2)[0],
    }


def _check_names_and_shapes(state_dict: Mapping[str, Tensor], model: CENet) -> None:
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state_dict.items()}
    kind = f"a {model.variant} model of {', '.join(model.experts)}"
    if missing := [name for name in expected if name not in found]:
        raise CheckpointError(f"expected {_named(missing)} in the weights of {kind}, found none of that name")
    if unknown := [name for name in found if name not in expected]:
        raise CheckpointError(f"expected only the weights of {kind}, found {_named(unknown)} as well")
    for name, shape in expected.items():
        if found[name] != shape:
            raise CheckpointError(
                f"expected {name} of {kind} to have shape {list(shape)}, found {list(found[name])}"
            )


def _check_numbers(name: str, value: Tensor) -> None:
    if (
        value.layout != torch.strided
        or value.numel() * value.element_size() > value.untyped_storage().nbytes()
    ):
        raise CheckpointError(
            f"expected {name} to be a dense tensor, found one that repeats or leaves out numbers"
        )
    if not (value.is_floating_point() or name.endswith("num_batches_tracked")):
        raise CheckpointError(f"expected {name} to hold floating-point numbers, found {value.dtype}")
    if not torch.isfinite(value).all():
        raise CheckpointError(f"expected finite weights, found NaN or infinity in {name}")


def _named(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
