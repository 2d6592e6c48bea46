"""Exports an expert: NAME.onnx and NAME.json in a folder."""

from pathlib import Path
from typing import Any

from earshot_training.experts.description import ExpertDescription, list_files
from earshot_training.experts.expert import AudioExpert, Expert, VisualExpert
from earshot_training.onnx_export import TOLERANCE, export_module

EXAMPLES = 2  # rows of the input that is traced
CHECKED_BATCHES = (1, 3)
INPUT = {"audio": "waveform", "visual": "frames"}


def write_expert(
    expert: Expert,
    folder: Path,
    licence: str,
    weights: dict[str, Any] | None = None,
    half: bool = False,
    checked_batches: tuple[int, ...] = CHECKED_BATCHES,
) -> tuple[ExpertDescription, float]:
    """Writes an expert's graph and description to `folder`; returns the description and the largest absolute
    difference from PyTorch.

    The graph takes `waveform` float32 [batch, windowSamples] or `frames` uint8 [batch, framesPerWindow,
    frameHeight, frameWidth, 3] and gives `features` float32 [batch, tokensPerWindow, featureDim]. Weights of
    2 GB and more go to NAME.onnx.data. `half` keeps them as float16. Raises onnx_export.ParityError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{expert.name}.onnx"
    # A value on the edge between two whole numbers may fall to either side.
    tolerance = 1.0 if expert.settings.get("quantise") else TOLERANCE
    example = {INPUT[expert.facts.modality]: expert.example(EXAMPLES)}
    difference = export_module(
        expert, path, example, ["features"], half, tolerance, checked_batches=checked_batches
    )
    names = [name for name in (path.name, f"{path.name}.data") if (folder / name).is_file()]
    description = ExpertDescription(
        name=expert.name,
        modality=expert.facts.modality,
        file=path.name,
        feature_dim=expert.facts.dim,
        aggregation=expert.facts.aggregation,
        tokens_per_window=expert.tokens_per_window,
        licence=licence,
        weights=weights,
        settings=expert.settings,
        files=list_files(folder, names),
        **_windows(expert),
    )
    description.write(folder / f"{expert.name}.json")
    return description, difference


def _windows(expert: Expert) -> dict[str, Any]:
    if isinstance(expert, AudioExpert):
        return {"window_samples": expert.window_samples, "hop_samples": expert.hop_samples}
    assert isinstance(expert, VisualExpert)
    return {
        "frames_per_second": expert.frames_per_second,
        "frame_width": expert.frame_size,
        "frame_height": expert.frame_size,
        "frames_per_window": expert.frames_per_window,
        "hop_frames": expert.hop_frames,
    }
