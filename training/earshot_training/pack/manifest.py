"""The manifest of a model pack, format version 1 (docs/model-packs.md)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earshot_training.frontend import SAMPLE_RATE
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
