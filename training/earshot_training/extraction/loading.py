"""Opens the experts that extraction uses, by name: from exported files, or from public weights."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from earshot_training.experts.catalogue import EXPERTS
from earshot_training.experts.description import ExpertDescription
from earshot_training.experts.errors import DescriptionError
from earshot_training.experts.expert import AudioExpert
from earshot_training.experts.weights import load_expert
from earshot_training.extraction.errors import ExtractionError
from earshot_training.extraction.listeners import (
    AveragingListener,
    Listener,
    Network,
    WholeClipListener,
    WindowedListener,
    WindowedVisualListener,
)
from earshot_training.onnx_export import open_session
from earshot_training.pack.manifest import MANIFEST_FILE
from earshot_training.places import file_sha256


def open_exported(folder: Path, names: Sequence[str]) -> list[Listener]:
    """Experts of a folder of `experts export` (NAME.json), or of a model pack (manifest.json).

    Every file is checked against its SHA-256. Raises ExtractionError where an expert is not there,
    DescriptionError where its files are not what they should be.
    """
    return [_exported(folder, describe(folder, name)) for name in names]


def exported_names(folder: Path) -> list[str]:
    """The experts that a folder has, in the order of its manifest or by name."""
    if (folder / MANIFEST_FILE).is_file():
        return [entry["name"] for entry in _manifest(folder)["experts"]]
    return sorted(path.stem for path in folder.glob("*.json") if (folder / f"{path.stem}.onnx").is_file())


def describe(folder: Path, name: str) -> ExpertDescription:
    """What a folder says of an expert."""
    if (folder / f"{name}.json").is_file():
        return ExpertDescription.read(folder / f"{name}.json")
    if not (folder / MANIFEST_FILE).is_file():
        raise ExtractionError(f"{folder}: expected {name}.json or {MANIFEST_FILE}, found neither")
    manifest = _manifest(folder)
    entries = {entry["name"]: entry for entry in manifest["experts"]}
    if name not in entries:
        raise ExtractionError(f"{folder}: expected an expert {name}, found {', '.join(entries)}")
    try:
        return _from_manifest(entries[name], manifest)
    except (KeyError, TypeError, AttributeError) as error:
        raise ExtractionError(f"{folder / MANIFEST_FILE}: a field of {name} is missing ({error})") from None


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST_FILE
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if all(isinstance(entry["name"], str) for entry in manifest["experts"]):
            return manifest
    except (ValueError, KeyError, TypeError):
        pass
    raise ExtractionError(f"{path}: expected the manifest of a model pack, with experts")


def _from_manifest(entry: Mapping[str, Any], manifest: Mapping[str, Any]) -> ExpertDescription:
    files = {name: facts for name, facts in manifest["files"].items() if name.startswith(entry["file"])}
    return ExpertDescription(
        name=entry["name"],
        modality=entry["modality"],
        file=entry["file"],
        feature_dim=entry["featureDim"],
        aggregation=entry["aggregation"],
        tokens_per_window=entry["tokensPerWindow"],
        licence=manifest["licence"],
        window_samples=entry.get("windowSamples"),
        hop_samples=entry.get("hopSamples"),
        frames_per_second=entry.get("framesPerSecond"),
        frame_width=entry.get("frameWidth"),
        frame_height=entry.get("frameHeight"),
        frames_per_window=entry.get("framesPerWindow"),
        hop_frames=entry.get("hopFrames"),
        files=files,
    )


def _exported(folder: Path, found: ExpertDescription) -> Listener:
    if found.file not in found.files:
        raise DescriptionError(f"{folder}: expected size and SHA-256 of {found.file}, found none")
    found.check_files(folder)
    audio = found.modality == "audio"
    name = "waveform" if audio else "frames"
    network = _onnx_network(folder / found.file, name, found.tokens_per_window, found.feature_dim)
    facts = {
        "name": found.name,
        "aggregation": found.aggregation,
        "dim": found.feature_dim,
        "identity": {"onnx": {name: entry["sha256"] for name, entry in sorted(found.files.items())}},
    }
    if audio:
        return WindowedListener(network, found.window_samples, found.hop_samples, **facts)
    return WindowedVisualListener(
        network,
        found.frames_per_window,
        found.hop_frames,
        rate=found.frames_per_second,
        width=found.frame_width,
        height=found.frame_height,
        **facts,
    )


def _onnx_network(path: Path, input_name: str, tokens: int, dim: int) -> Network:
    """A graph as a network that gives `tokens` x `dim` for each window, and nothing else."""
    session = open_session(path)

    def run(windows: np.ndarray) -> np.ndarray:
        found = session.run(["features"], {input_name: np.ascontiguousarray(windows)})[0]
        if found.shape != (len(windows), tokens, dim):
            raise ExtractionError(
                f"{path}: expected features of {tokens} x {dim} for each window, "
                f"found {' x '.join(map(str, found.shape[1:]))}"
            )
        return found

    return run


def open_weights(
    name: str, weights: Path, device: torch.device, pca: Path | None = None, **settings: Any
) -> Listener:
    """An expert of the paper with the public weights of a file. Raises WeightsError, SettingsError."""
    expert = load_expert(name, weights, pca, **settings)
    identity = {
        "weights": file_sha256(weights),
        "settings": json.loads(json.dumps(expert.settings, default=str)),
    }
    facts = {
        "name": name,
        "aggregation": EXPERTS[name].aggregation,
        "dim": EXPERTS[name].dim,
        "identity": identity,
    }
    expert.to(device)
    listener = WholeClipListener if isinstance(expert, AudioExpert) else AveragingListener
    return listener(expert, **facts)
