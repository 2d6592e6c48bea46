"""What the configuration of a checkpoint says about its model, and whether that fits the weights (reference
facts 1.1 and 1.2)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from earshot_training.checkpoint.reading import CheckpointError
from earshot_training.model import CENet

# What `CENet` computes. Weights alone do not show all of it: a model trained with ReLU has the same names.
_ALWAYS = {"keep_missing_modalities": False, "l2renorm": False}
_COLLABORATIVE = {"use_mish": 1, "use_bn_reason": 1, "include_self": 1, "num_g_layers": 3, "num_h_layers": 0}
MOST_TOKENS = 10_000  # the reference's largest limit is 500
_TEXT = "text"  # what the reference calls the text side in its tables of clusters and token limits


@dataclass(frozen=True)
class Settings:
    """Read from a configuration. Experts have the reference's names.

    `experts` in model order, i.e. sorted, or () where the configuration does not say; `max_tokens` by expert,
    for all it lists, whether the model has them or not. `text_tokens`: words of a caption. `dataset` as the
    reference spells it. `margin` of the loss. None where the configuration does not say.
    """

    experts: tuple[str, ...]
    max_tokens: dict[str, int]
    text_tokens: int | None
    dataset: str | None
    margin: float | None


def read_settings(config: Mapping[str, Any]) -> Settings:
    """The settings that matter for a model pack. Raises CheckpointError for one of the wrong type."""
    limits = _section(config, "data_loader", "args", "max_tokens")
    for name, limit in limits.items():
        if type(limit) is not int or not 1 <= limit <= MOST_TOKENS:
            raise CheckpointError(
                f"expected max_tokens.{name} to be a whole number from 1 to {MOST_TOKENS}, found {limit!r}"
            )
    experts = _section(config, "experts").get("modalities") or ()
    if not isinstance(experts, list | tuple) or not all(isinstance(name, str) for name in experts):
        raise CheckpointError(f"expected experts.modalities to list names, found {experts!r}")
    dataset = _section(config, "data_loader", "args").get("dataset_name")
    margin = _section(config, "loss", "args").get("margin")
    return Settings(
        experts=tuple(sorted(experts)),
        max_tokens={name: limit for name, limit in limits.items() if name != _TEXT},
        text_tokens=limits.get(_TEXT),
        dataset=dataset if isinstance(dataset, str) else None,
        margin=float(margin) if isinstance(margin, int | float) and 0 < margin < math.inf else None,
    )


def check_settings(config: Mapping[str, Any], model: CENet) -> None:
    """Checks that a configuration describes `model`, whose experts have the reference's names.

    What the configuration leaves out is not checked. Raises CheckpointError with the setting, what the
    weights or this package expect, and what it says.
    """

    def expect(setting: str, expected: Any, found: Any) -> None:
        if found is not None and found != expected:
            raise CheckpointError(f"expected {setting} to be {expected!r}, the configuration says {found!r}")

    experts = list(model.experts)
    modalities = read_settings(config).experts
    expect("experts.modalities (sorted)", experts, list(modalities) or None)
    settings = _section(config, "experts")
    expect("experts.text_agg", "vlad", settings.get("text_agg"))
    if model.variant != "moee":
        expect(
            "experts.ce_shared_dim", next(iter(model.embedding_dims.values())), settings.get("ce_shared_dim")
        )

    architecture = _section(config, "arch", "args")
    variant = _variant(architecture, len(experts))
    expect("the variant (arch.args.use_ce, mimic_ce_dims)", model.variant, variant)
    fixed = _ALWAYS | (_COLLABORATIVE if model.variant == "ce" else {})
    for name, value in fixed.items():
        expect(f"arch.args.{name}", value, architecture.get(name))
    clusters = _section(architecture, "vlad_clusters")
    expect(f"vlad_clusters.{_TEXT}", model.text_pooling.clusters2.shape[2], clusters.get(_TEXT))
    ghosts = _section(architecture, "ghost_clusters").get(_TEXT)
    expect(
        f"ghost_clusters.{_TEXT}",
        model.text_pooling.clusters.shape[1] - model.text_pooling.clusters2.shape[2],
        ghosts,
    )

    features = _section(config, "data_loader", "args", "feat_aggregation")
    for name, expert in model.experts.items():
        described = _section(features, name)
        expect(
            f"feat_aggregation.{name}.temporal",
            "vlad" if expert.clusters else "avg",
            described.get("temporal"),
        )
        if expert.clusters:
            expect(f"vlad_clusters.{name}", expert.clusters, clusters.get(name))
        expect(
            f"feat_dims of {name}",
            expert.dim,
            _section(described, "feat_dims").get(described.get("type", "embed")),
        )


def _variant(architecture: Mapping[str, Any], experts: int) -> str | None:
    if "use_ce" not in architecture:
        return None
    if architecture["use_ce"]:
        return "ce" if architecture["use_ce"] == "pairwise" else f"use_ce {architecture['use_ce']!r}"
    if architecture.get("mimic_ce_dims"):
        return "single" if experts == 1 else "mimic_ce_dims with several experts"
    return "moee"


def _section(config: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """A nested part of a configuration; {} where it is missing. Raises CheckpointError for another type."""
    part: Any = config
    for depth, name in enumerate(names, start=1):
        part = part.get(name) or {}
        if not isinstance(part, Mapping):
            raise CheckpointError(
                f"expected {'.'.join(names[:depth])} of the configuration to be an object, found {part!r:.80}"
            )
    return part
