"""Makes a model pack of a checkpoint: the reference's weights, exported experts and word vectors."""

import json
import math
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earshot_training.checkpoint import (
    Checkpoint,
    CheckpointError,
    Settings,
    build_model,
    check_settings,
    read_checkpoint,
    read_settings,
    rename_experts,
    variant_of,
)
from earshot_training.checkpoint.published import recognise
from earshot_training.checkpoint_import.calibration import Calibration, neutral
from earshot_training.checkpoint_import.card import model_card
from earshot_training.checkpoint_import.errors import UnknownSettingError
from earshot_training.checkpoint_import.experts import feed, pack_name, read_experts
from earshot_training.checkpoint_import.grid import make_grid
from earshot_training.checkpoint_import.output import new_folder
from earshot_training.checkpoint_import.words import WordChoice
from earshot_training.experts.catalogue import reference_name
from earshot_training.experts.description import ExpertDescription
from earshot_training.model import CENet
from earshot_training.pack import (
    PackDescription,
    export_clip_encoder,
    export_text_encoder,
    verify_pack,
    write_manifest,
)
from earshot_training.pack.manifest import CLIP_ENCODER_FILE, TEXT_ENCODER_FILE, check_identity
from earshot_training.places import file_sha256


@dataclass(frozen=True)
class ImportOrder:
    """What to import and how. What is None comes from the checkpoint's configuration.

    `config`: a JSON file that counts instead of the configuration inside the checkpoint. `names`: its
    experts, in any order, in the reference's names or ours. `token_limits`: by such a name; "text" is the
    words of a text. `half`: the encoders' weights as float16.
    """

    checkpoint: Path
    experts: Path
    words: WordChoice
    output: Path
    config: Path | None = None
    names: tuple[str, ...] = ()
    token_limits: Mapping[str, int] = field(default_factory=dict)
    dataset: str | None = None
    segment_seconds: float | None = None
    hop_seconds: float | None = None
    calibration: Calibration | None = None
    name: str | None = None
    version: str = "1.0.0"
    licence: str | None = None
    half: bool = False


def import_checkpoint(order: ImportOrder, say: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Writes the pack and returns its manifest. `say` is told each step.

    The folder appears when the pack is whole and verified. Raises CheckpointError, ImportRefusedError,
    experts.errors.DescriptionError, Word2VecError, onnx_export.ParityError or PackError, with what was
    expected and what was found.
    """
    check_identity(order.name or "imported", order.version)
    with new_folder(order.output) as folder:
        checkpoint = read_checkpoint(order.checkpoint)
        config = _read_config(order.config) if order.config else checkpoint.config
        settings = read_settings(config)
        model = _model(checkpoint, config, order.names or settings.experts)
        say(
            f"{order.checkpoint.name}: {model.variant} of {', '.join(model.experts)}, epoch"
            f" {checkpoint.epoch}, {sum(x.numel() for x in model.parameters()):,} parameters"
        )
        limits = _token_limits(model, settings, order.token_limits)
        grid = make_grid(order.dataset or settings.dataset, order.segment_seconds, order.hop_seconds)
        descriptions = read_experts(order.experts, model.experts)
        experts = tuple(feed(descriptions[name], model, grid, limits[name]) for name in model.experts)
        words = order.words.write(folder, model.text_pooling.feature_dim)
        say(f"{order.words.source.name}: {words:,} words")

        for description in descriptions.values():
            for file in description.files:
                shutil.copyfile(order.experts / file, folder / file)
        tokens = {expert.name: expert.max_tokens for expert in experts}
        differences = (
            export_clip_encoder(model, folder / CLIP_ENCODER_FILE, tokens, order.half),
            export_text_encoder(model, folder / TEXT_ENCODER_FILE, limits["text"], order.half),
        )
        say(f"clip and text encoder: within {max(differences):.1g} of PyTorch")
        calibration = order.calibration or neutral(settings.margin)
        published = recognise((*checkpoint.saved_as, *order.checkpoint.absolute().parts))
        write_manifest(
            folder,
            PackDescription(
                name=order.name or _pack_name(checkpoint, published),
                version=order.version,
                licence=order.licence or _licence(descriptions),
                description=f"Imported from a checkpoint of {published or _experiment(checkpoint)}",
                variant=model.variant,
                segment_length=grid.length,
                segment_hop=grid.hop,
                experts=experts,
                word_limit=limits["text"],
                calibration_slope=calibration.slope,
                calibration_intercept=calibration.intercept,
                vocabulary=order.words.description,
                provenance={
                    "madeBy": "earshot-training import-checkpoint",
                    "checkpoint": _origin(order.checkpoint, checkpoint, published),
                    "configuration": _summary(config, settings),
                    "experts": {name: _expert_origin(found) for name, found in descriptions.items()},
                    "words": order.words.provenance(words),
                    "calibration": calibration.origin,
                },
            ),
        )
        manifest = verify_pack(folder)
        (folder / "MODEL_CARD.md").write_text(model_card(manifest), encoding="utf-8")
    return manifest


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path}: expected settings as JSON, found something else ({error})") from None
    if not isinstance(config, dict):
        raise CheckpointError(f"{path}: expected settings as a JSON object, found a {type(config).__name__}")
    return config


def _model(checkpoint: Checkpoint, config: dict[str, Any], names: tuple[str, ...]) -> CENet:
    """The checkpoint's model, checked against its configuration, with the pack's names of its experts."""
    variant_of(checkpoint.state_dict)  # another architecture is told before its settings are looked at
    if not names:
        raise UnknownSettingError(
            "expected experts.modalities in the configuration, found none; name the experts with --names"
        )
    references = sorted({reference_name(name) for name in names})
    check_settings(config, build_model(checkpoint.state_dict, references))
    renamed = {reference: pack_name(reference) for reference in references}
    return build_model(rename_experts(checkpoint.state_dict, renamed), list(renamed.values()))


def _token_limits(model: CENet, settings: Settings, given: Mapping[str, int]) -> dict[str, int]:
    """Rows of each pooled expert and words of a text, "text": what is given, else what the settings say."""
    known = {pack_name(reference_name(name)): limit for name, limit in settings.max_tokens.items()}
    known |= {"text": settings.text_tokens} if settings.text_tokens else {}
    known |= {pack_name(reference_name(name)): limit for name, limit in given.items()}
    for name in ("text", *(name for name, expert in model.experts.items() if expert.clusters)):
        if name not in known:
            raise UnknownSettingError(
                f"expected data_loader.args.max_tokens to give the limit of {name}, found none;"
                f" give it with --max-tokens {name}=N: a model works only with the limits it was trained with"
            )
    return {"text": known["text"], **{name: known.get(name, 1) for name in model.experts}}


def _experiment(checkpoint: Checkpoint) -> str:
    """What the reference called the run, as its folders say."""
    parts = checkpoint.saved_as
    place = parts.index("models") + 1 if "models" in parts else len(parts)
    return parts[place] if place < len(parts) else "an unknown experiment"


def _pack_name(checkpoint: Checkpoint, published: str | None) -> str:
    if published:
        experiment, _, seed, _ = published.split("/")
        name = f"{experiment}-{seed}"
    else:
        name = _experiment(checkpoint) if checkpoint.saved_as else "imported"
    return re.sub(r"[^a-z0-9._-]", "-", name.lower()).lstrip("._-") or "imported"


def _licence(descriptions: Mapping[str, ExpertDescription]) -> str:
    experts = ", ".join(f"{name} {found.licence}" for name, found in descriptions.items())
    return f"retrieval model: not stated by its authors; experts: {experts}"


def _origin(path: Path, checkpoint: Checkpoint, published: str | None) -> dict[str, Any]:
    best = checkpoint.monitor_best
    return {
        "file": path.name,
        "bytes": path.stat().st_size,
        "sha256": file_sha256(path),
        "architecture": checkpoint.arch,
        "epoch": checkpoint.epoch,
        "monitorBest": best if best is not None and math.isfinite(best) else None,
        "savedAs": "/".join(checkpoint.saved_as),
        "published": published,
    }


def _summary(config: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The settings a reader of the manifest may want to know."""
    trainer, seed = config.get("trainer"), config.get("seed")
    return {
        "dataset": settings.dataset,
        "experts": list(settings.experts),
        "maxTokens": {**settings.max_tokens, "text": settings.text_tokens},
        "margin": settings.margin,
        "seed": seed if isinstance(seed, int) else None,
        "monitor": str(trainer.get("monitor")) if isinstance(trainer, Mapping) else None,
    }


def _expert_origin(description: ExpertDescription) -> dict[str, Any]:
    return {
        "licence": description.licence,
        "weights": dict(description.weights) if description.weights else None,
        "settings": dict(description.settings),
    }
