"""Writes and verifies model packs: ONNX files, vocabulary and manifest, format version 1
(docs/model-packs.md).

    export_expert(vggish_with_front_end, folder / "vggish.onnx", window_samples=15_600)
    export_clip_encoder(model, folder / "clip-encoder.onnx", max_tokens={"vggish": 4, "vggsound": 12})
    export_text_encoder(model, folder / "text-encoder.onnx", word_limit=20)
    vocabulary.save(folder)
    write_manifest(folder, PackDescription(...))
    verify_pack(folder)
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from earshot_training.frontend import SAMPLE_RATE
from earshot_training.model import CENet
from earshot_training.onnx_export import export_module, open_session
from earshot_training.places import file_sha256
from earshot_training.vocabulary import TOKENISER, VECTORS_FILE, WORDS_FILE, Vocabulary

FORMAT_VERSION = 1
MANIFEST_FILE, CLIP_ENCODER_FILE, TEXT_ENCODER_FILE = (
    "manifest.json",
    "clip-encoder.onnx",
    "text-encoder.onnx",
)
KINDS = {"ce": "collaborative-experts", "moee": "mixture-of-embedded-experts", "single": "single-expert"}


class PackError(Exception):
    """A model pack that is not whole, or not what its manifest says. The message names the file."""


# --- export ---


def export_expert(module: nn.Module, path: Path, window_samples: int, half: bool = True) -> float:
    """An audio expert: waveform [B, window_samples] -> features [B, tokensPerWindow, featureDim].

    `module` takes waveforms: its front end is part of it. Returns the largest difference from PyTorch.
    """
    waveform = 0.1 * torch.randn(3, window_samples, generator=torch.Generator().manual_seed(0))
    return export_module(module, path, {"waveform": waveform}, ["features"], half)


def export_clip_encoder(model: CENet, path: Path, max_tokens: Mapping[str, int], half: bool = True) -> float:
    """The clip side: features_<expert> [B, max_tokens, dim] and availability [B, E] -> embedding_<expert>
    [B, D_e].

    `max_tokens` by expert; an averaged expert has one token. Returns the largest difference from PyTorch.
    """
    generator = torch.Generator().manual_seed(0)
    inputs = {
        f"features_{name}": torch.randn(4, max_tokens[name], expert.dim, generator=generator)
        for name, expert in model.experts.items()
    }
    availability = torch.ones(4, len(inputs))
    if len(inputs) > 1:  # a missing expert, and another one
        availability[0, 0] = availability[1, -1] = 0
    inputs["availability"] = availability
    return export_module(
        ClipEncoder(model), path, inputs, [f"embedding_{name}" for name in model.experts], half
    )


def export_text_encoder(model: CENet, path: Path, word_limit: int, half: bool = True) -> float:
    """The text side: words [B, word_limit, dim] -> embedding_<expert> [B, D_e] and weights [B, E].

    Returns the largest difference from PyTorch.
    """
    words = torch.randn(
        3, word_limit, model.text_pooling.feature_dim, generator=torch.Generator().manual_seed(0)
    )
    words[1, word_limit // 2 :] = 0
    outputs = [*(f"embedding_{name}" for name in model.experts), "weights"]
    return export_module(TextEncoder(model), path, {"words": words}, outputs, half)


class ClipEncoder(nn.Module):
    """`CENet.encode_clip` with tensors for arguments: features in the experts' order, then availability."""

    def __init__(self, model: CENet):
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        *sequences, availability = inputs
        features = {
            name: tokens if expert.clusters else tokens[:, 0]
            for (name, expert), tokens in zip(self.model.experts.items(), sequences, strict=True)
        }
        return tuple(self.model.encode_clip(features, availability).values())


class TextEncoder(nn.Module):
    """`CENet.encode_text` with a flat tuple for a result: embeddings in the experts' order, then weights."""

    def __init__(self, model: CENet):
        super().__init__()
        self.model = model

    def forward(self, words: Tensor) -> tuple[Tensor, ...]:
        embeddings, weights = self.model.encode_text(words)
        return *embeddings.values(), weights


# --- manifest ---


@dataclass(frozen=True)
class AudioExpert:
    """How the runtime feeds one audio expert. Lengths in samples; fields as in docs/model-packs.md."""

    name: str
    window_samples: int
    hop_samples: int
    tokens_per_window: int
    windows_per_segment: int
    feature_dim: int
    embedding_dim: int
    aggregation: str = "sequence"  # or "average": one mean vector a segment

    @property
    def file(self) -> str:
        return f"{self.name}.onnx"

    @property
    def max_tokens(self) -> int:
        return self.tokens_per_window * self.windows_per_segment if self.aggregation == "sequence" else 1


@dataclass(frozen=True)
class PackDescription:
    """What a manifest says beyond what the pack's files tell. `variant` as in `CENet`; lengths in samples."""

    name: str
    version: str
    licence: str
    description: str
    variant: str
    segment_length: int
    segment_hop: int
    experts: tuple[AudioExpert, ...]
    word_limit: int
    calibration_slope: float  # relevance = 1 / (1 + exp(-(slope * score + intercept)))
    calibration_intercept: float
    sample_rate: int = SAMPLE_RATE
    provenance: Mapping[str, Any] = field(default_factory=dict)


def write_manifest(directory: Path, pack: PackDescription) -> Path:
    """Writes manifest.json for the files that are in `directory`, with their sizes and SHA-256."""
    vocabulary = Vocabulary.load(directory)
    names = [expert.file for expert in pack.experts]
    names += [CLIP_ENCODER_FILE, TEXT_ENCODER_FILE, WORDS_FILE, VECTORS_FILE]
    for name in names:
        if not (directory / name).is_file():
            raise PackError(f"{directory} has no {name}")
    manifest = {
        "formatVersion": FORMAT_VERSION,
        "name": pack.name,
        "version": pack.version,
        "licence": pack.licence,
        "description": pack.description,
        "kind": KINDS[pack.variant],
        "sampleRate": pack.sample_rate,
        "segment": {"lengthSamples": pack.segment_length, "hopSamples": pack.segment_hop},
        "experts": [
            {
                "name": expert.name,
                "modality": "audio",
                "file": expert.file,
                "windowSamples": expert.window_samples,
                "hopSamples": expert.hop_samples,
                "tokensPerWindow": expert.tokens_per_window,
                "windowsPerSegment": expert.windows_per_segment,
                "featureDim": expert.feature_dim,
                "aggregation": expert.aggregation,
                "maxTokens": expert.max_tokens,
                "embeddingDim": expert.embedding_dim,
            }
            for expert in pack.experts
        ],
        "clipEncoder": {"file": CLIP_ENCODER_FILE},
        "textEncoder": {
            "file": TEXT_ENCODER_FILE,
            "wordLimit": pack.word_limit,
            "wordDim": vocabulary.dim,
            "tokeniser": TOKENISER,
            "vocabulary": {
                "words": WORDS_FILE,
                "vectors": VECTORS_FILE,
                "dtype": "float16",
                "size": len(vocabulary),
            },
        },
        "calibration": {
            "kind": "logistic",
            "slope": pack.calibration_slope,
            "intercept": pack.calibration_intercept,
        },
        "files": {
            name: {"sha256": file_sha256(directory / name), "bytes": (directory / name).stat().st_size}
            for name in names
        },
        "provenance": dict(pack.provenance),
    }
    path = directory / MANIFEST_FILE
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


# --- verification ---


def verify_pack(directory: Path) -> dict[str, Any]:
    """Checks a pack's files against its manifest, and that every graph runs and gives what it should.

    Returns the manifest. Raises PackError with the first thing that is wrong.
    """
    directory = Path(directory)
    path = directory / MANIFEST_FILE
    if not path.is_file():
        raise PackError(f"{directory} has no {MANIFEST_FILE}")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    if manifest.get("formatVersion") != FORMAT_VERSION:
        raise PackError(f"{path} has format version {manifest.get('formatVersion')}, not {FORMAT_VERSION}")
    for name, expected in manifest["files"].items():
        file = directory / name
        if not file.is_file():
            raise PackError(f"{directory} has no {name}")
        if file.stat().st_size != expected["bytes"] or file_sha256(file) != expected["sha256"]:
            raise PackError(f"{file} is not the file the manifest describes")
    _verify_vocabulary(directory, manifest["textEncoder"])
    for expert in manifest["experts"]:
        _verify_expert(directory, expert)
    _verify_clip_encoder(directory, manifest)
    _verify_text_encoder(directory, manifest)
    return manifest


def _verify_vocabulary(directory: Path, text_encoder: dict[str, Any]) -> None:
    try:
        vocabulary = Vocabulary.load(directory)
    except ValueError as error:
        raise PackError(str(error)) from error
    expected = (text_encoder["vocabulary"]["size"], text_encoder["wordDim"])
    if vocabulary.vectors.shape != expected:
        raise PackError(f"the vocabulary has shape {vocabulary.vectors.shape}, the manifest says {expected}")
    if len(vocabulary.index) != len(vocabulary):
        raise PackError("the vocabulary names a word twice")


def _verify_expert(directory: Path, expert: dict[str, Any]) -> None:
    waveform = np.random.default_rng(0).normal(0, 0.1, (2, expert["windowSamples"])).astype(np.float32)
    waveform[1] = 0  # silence must give numbers, too
    shape = (2, expert["tokensPerWindow"], expert["featureDim"])
    _run(directory / expert["file"], {"waveform": waveform}, {"features": shape})


def _verify_clip_encoder(directory: Path, manifest: dict[str, Any]) -> None:
    experts = manifest["experts"]
    rng, patterns = (
        np.random.default_rng(0),
        np.array([[1] * len(experts), *np.eye(len(experts))], np.float32),
    )
    inputs = {"availability": patterns}
    for column, expert in enumerate(experts):
        shape = (len(patterns), expert["maxTokens"], expert["featureDim"])
        tokens = rng.normal(size=shape).astype(np.float32)
        inputs[f"features_{expert['name']}"] = tokens * patterns[:, column, None, None]
    wanted = {f"embedding_{expert['name']}": (len(patterns), expert["embeddingDim"]) for expert in experts}
    results = _run(directory / manifest["clipEncoder"]["file"], inputs, wanted)
    for column, (name, embedding) in enumerate(results.items()):
        if not np.allclose(np.linalg.norm(embedding, axis=1), patterns[:, column], atol=1e-4):
            raise PackError(
                f"{manifest['clipEncoder']['file']}: {name} must have length 1, or 0 where it is missing"
            )


def _verify_text_encoder(directory: Path, manifest: dict[str, Any]) -> None:
    encoder, experts = manifest["textEncoder"], manifest["experts"]
    words = (
        np.random.default_rng(0).normal(size=(2, encoder["wordLimit"], encoder["wordDim"])).astype(np.float32)
    )
    words[1, 1:] = 0
    wanted = {f"embedding_{expert['name']}": (2, expert["embeddingDim"]) for expert in experts}
    results = _run(directory / encoder["file"], {"words": words}, {**wanted, "weights": (2, len(experts))})
    if not np.allclose(results["weights"].sum(axis=1), 1.0, atol=1e-4):
        raise PackError(f"{encoder['file']}: the weights of a query must add up to 1")
    for name in wanted:
        if not np.allclose(np.linalg.norm(results[name], axis=1), 1.0, atol=1e-4):
            raise PackError(f"{encoder['file']}: {name} must have length 1")


def _run(
    path: Path, inputs: dict[str, np.ndarray], wanted: dict[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """Runs a graph, which must have these inputs and outputs, a free batch, and give finite numbers."""
    session: onnxruntime.InferenceSession = open_session(path)
    for kind, declared, expected in (
        ("inputs", session.get_inputs(), inputs),
        ("outputs", session.get_outputs(), wanted),
    ):
        if {value.name for value in declared} != set(expected):
            raise PackError(
                f"{path.name} has {kind} {sorted(v.name for v in declared)}, not {sorted(expected)}"
            )
        for value in declared:
            if value.shape[0] != "batch":
                raise PackError(
                    f'{path.name}: the first axis of {value.name} is {value.shape[0]!r}, not "batch"'
                )
    results = dict(zip(wanted, session.run(list(wanted), inputs), strict=True))
    for name, shape in wanted.items():
        if results[name].shape != shape:
            raise PackError(f"{path.name}: {name} has shape {results[name].shape}, the manifest says {shape}")
        if not np.isfinite(results[name]).all():
            raise PackError(f"{path.name}: {name} is not finite")
    return results
