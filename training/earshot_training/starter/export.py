"""Export of a trained run as the model pack `models/starter`."""

from __future__ import annotations

import copy
from pathlib import Path

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from earshot_training.frontend import VGGishLogMel, VGGSoundSpectrogram
from earshot_training.pack import (
    AudioExpert,
    PackDescription,
    export_clip_encoder,
    export_expert,
    export_text_encoder,
    verify_pack,
    write_manifest,
)
from earshot_training.sounds import write_attributions
from earshot_training.starter.card import model_card
from earshot_training.starter.config import EXPERTS
from earshot_training.starter.recipe import Recipe

NAME = "starter"
LICENCE = "CC-BY-SA-4.0"
DESCRIPTION = (
    "Two small audio experts with the paper's front ends and a two-expert collaborative-experts model"
)


class WaveformExpert(nn.Module):
    """A front end and a network: waveform [batch, window] -> features [batch, tokens, dim]."""

    def __init__(self, name: str, network: nn.Module):
        super().__init__()
        self.front_end = VGGishLogMel() if name == "vggish" else VGGSoundSpectrogram()
        self.network = fold_batch_norms(network)
        self.examples = name == "vggish"

    def forward(self, waveform: Tensor) -> Tensor:
        spectra = self.front_end(waveform)
        return self.network(spectra[:, 0] if self.examples else spectra)


def fold_batch_norms(network: nn.Module) -> nn.Module:
    """A copy in which every convolution has taken in the batch norm behind it; the same in eval mode."""
    network = copy.deepcopy(network).eval()
    for sequence in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for place in range(len(sequence) - 1):
            if isinstance(sequence[place], nn.Conv2d) and isinstance(sequence[place + 1], nn.BatchNorm2d):
                sequence[place] = fuse_conv_bn_eval(sequence[place], sequence[place + 1])
                sequence[place + 1] = nn.Identity()
    return network


def export_pack(
    recipe: Recipe, folder: Path, version: str, found: dict, moments: list[dict] | None = None
) -> dict:
    """Writes the pack of a measured run to `folder` with its card and attributions, and checks it.

    `found`: the figures of `Recipe.evaluate`; `moments`: lines of `npm run bench -- moments` for the card.
    Returns the manifest. Raises PackError, ParityError.
    """
    config = recipe.config
    folder.mkdir(parents=True, exist_ok=True)
    experts = [export_audio_expert(recipe, name, folder) for name in EXPERTS]
    model = recipe.load_retrieval()
    export_clip_encoder(
        model, folder / "clip-encoder.onnx", {expert.name: expert.max_tokens for expert in experts}
    )
    export_text_encoder(model, folder / "text-encoder.onnx", config.word_limit)
    recipe.vocabulary.save(folder)
    description = PackDescription(
        name=NAME,
        version=version,
        licence=LICENCE,
        description=DESCRIPTION,
        variant="ce",
        segment_length=config.segment,
        segment_hop=config.segment_hop,
        experts=tuple(experts),
        word_limit=config.word_limit,
        calibration_slope=round(found["calibration"]["slope"], 4),
        calibration_intercept=round(found["calibration"]["intercept"], 4),
        provenance={
            "data": found["data"],
            "test": found["pack"],
            "training": "earshot-training starter",
            **({"before": found["before"]} if "before" in found else {}),
        },
    )
    write_manifest(folder, description)
    write_attributions(recipe.training, folder / "ATTRIBUTIONS.csv")
    manifest = verify_pack(folder)
    card = model_card(found, _facts(recipe, model, version, folder), moments)
    (folder / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    return manifest


def export_audio_expert(recipe: Recipe, name: str, folder: Path) -> AudioExpert:
    """Writes one expert with its front end to `folder`; returns its description."""
    config, network = recipe.config, recipe.experts[name]
    window, hop = config.windows(name)
    export_expert(WaveformExpert(name, network), folder / f"{name}.onnx", window)
    tokens = 1 if name == "vggish" else config.vggsound_tokens
    return AudioExpert(name, window, hop, tokens, config.segment // hop, network.dim, config.shared_dim)


def _facts(recipe: Recipe, model: nn.Module, version: str, folder: Path) -> dict:
    """What the model card says besides figures."""
    networks = [*recipe.experts.values(), model]
    return {
        "version": version,
        "licence": LICENCE,
        "megabytes": pack_bytes(folder) / 1e6,
        "parameters": sum(parameter.numel() for network in networks for parameter in network.parameters()),
        "vggsound_dim": recipe.experts["vggsound"].dim,
        "words": len(recipe.vocabulary),
        "example": recipe.paraphrases["dog"][0],
        "retrieval_epochs": recipe.config.retrieval_epochs,
    }


def pack_bytes(folder: Path) -> int:
    """Size of everything in the pack's folder."""
    return sum(path.stat().st_size for path in folder.iterdir())
