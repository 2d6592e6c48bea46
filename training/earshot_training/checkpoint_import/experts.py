"""The exported experts that a model needs, and how a pack feeds them."""

import re
from collections.abc import Iterable
from pathlib import Path

from earshot_training.checkpoint_import.errors import ExpertMismatchError, ExpertMissingError
from earshot_training.checkpoint_import.grid import UNIT, Grid
from earshot_training.experts.catalogue import EXPERTS, expert_facts
from earshot_training.experts.description import ExpertDescription
from earshot_training.model import CENet
from earshot_training.pack import AudioExpert, VisualExpert

MOST_OVERLAP = 1 / 16  # of a window, between windows whose tokens form one sequence


def pack_name(reference: str) -> str:
    """What a pack calls an expert of the reference; signs that a manifest does not allow become "-"."""
    try:
        return expert_facts(reference).name
    except KeyError:
        return re.sub(r"[^a-z0-9_]", "-", reference.lower()).lstrip("-_") or "expert"


def read_experts(folder: Path, names: Iterable[str]) -> dict[str, ExpertDescription]:
    """The descriptions of exported experts by name. Raises ExpertMissingError with what the folder holds,
    DescriptionError where one is damaged."""
    there = sorted(path.stem for path in folder.glob("*.json"))
    found = {}
    for name in names:
        if name in EXPERTS and EXPERTS[name].modality == "speech":
            raise ExpertMissingError(
                "expected experts that hear or see, found speech: its features come from transcripts,"
                " for which a pack has no place"
            )
        if name not in there:
            raise ExpertMissingError(
                f"expected {name}.json and {name}.onnx in {folder}, found {', '.join(there) or 'no expert'};"
                f" run `earshot-training experts export {name} --output {folder}`"
            )
        found[name] = ExpertDescription.read(folder / f"{name}.json")
        if (found[name].name, found[name].file) != (name, f"{name}.onnx"):
            raise ExpertMismatchError(
                f"expected {folder / name}.json to describe {name} in {name}.onnx,"
                f" found {found[name].name} in {found[name].file}"
            )
        if elsewhere := [file for file in found[name].files if Path(file).name != file]:
            raise ExpertMismatchError(
                f"expected the files of {name} to lie in {folder}, found {', '.join(elsewhere)}"
            )
        found[name].check_files(folder)
    return found


def feed(
    description: ExpertDescription, model: CENet, grid: Grid, token_limit: int
) -> AudioExpert | VisualExpert:
    """An expert's entry in the manifest. `token_limit` counts where the model pools it.

    Raises ExpertMismatchError where it gives other features than the model takes, or its windows do not fit
    the segments.
    """
    name, expert = description.name, model.experts[description.name]
    if description.feature_dim != expert.dim:
        raise ExpertMismatchError(
            f"expected {name} to give features of {expert.dim} numbers, as the checkpoint's weights take,"
            f" found an export that gives {description.feature_dim}"
        )
    aggregation = "sequence" if expert.clusters else "average"
    common = {
        "name": name,
        "tokens_per_window": description.tokens_per_window,
        "feature_dim": expert.dim,
        "embedding_dim": model.embedding_dims[name],
        "aggregation": aggregation,
        "token_limit": token_limit,
        "data_files": description.data_files,
    }
    if description.modality == "visual":
        return VisualExpert(
            **common,
            frames_per_second=description.frames_per_second,
            frame_width=description.frame_width,
            frame_height=description.frame_height,
            frames_per_window=description.frames_per_window,
            hop_frames=description.hop_frames,
        )
    windows, hop = _windows(description, grid, aggregation)
    return AudioExpert(
        **common, window_samples=description.window_samples, hop_samples=hop, windows_per_segment=windows
    )


def _windows(description: ExpertDescription, grid: Grid, aggregation: str) -> tuple[int, int]:
    """Windows in a segment, and the samples from one to the next."""
    name, window, hop = description.name, description.window_samples, description.hop_samples
    if window >= grid.length - UNIT // 4:  # it hears a segment whole
        if window > grid.length + UNIT:
            raise ExpertMismatchError(
                f"expected {name} to hear about a segment of {grid.length} samples at a time, found an export"
                f" that takes {window}: export it again with that window, or make the segments longer"
            )
        return 1, grid.hop
    if aggregation == "sequence" and window - hop > window * MOST_OVERLAP:
        raise ExpertMismatchError(
            f"expected {name} to hear a segment of {grid.length} samples whole, or in windows one after the"
            f" other, found an export with windows of {window} samples every {hop}: export it again with a"
            f" window of {grid.length + UNIT // 4} samples"
        )
    if grid.hop % hop:
        raise ExpertMismatchError(
            f"expected the windows of {name} to start at segments, which start every {grid.hop} samples,"
            f" found an export with a window every {hop}"
        )
    return -(-grid.length // hop), hop
