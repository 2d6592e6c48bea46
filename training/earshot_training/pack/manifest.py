"""The manifest of a model pack, format version 1 (docs/model-packs.md)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earshot_training.frontend import SAMPLE_RATE
from earshot_training.pack.errors import PackError
from earshot_training.pack.experts import AudioExpert, VisualExpert
from earshot_training.pack.text import PackVocabulary
from earshot_training.places import file_sha256

FORMAT_VERSION = 1
MANIFEST_FILE, CLIP_ENCODER_FILE, TEXT_ENCODER_FILE = (
    "manifest.json",
    "clip-encoder.onnx",
    "text-encoder.onnx",
)
KINDS = {"ce": "collaborative-experts", "moee": "mixture-of-embedded-experts", "single": "single-expert"}


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
    experts: tuple[AudioExpert | VisualExpert, ...]
    word_limit: int
    calibration_slope: float  # relevance = 1 / (1 + exp(-(slope * score + intercept)))
    calibration_intercept: float
    sample_rate: int = SAMPLE_RATE
    provenance: Mapping[str, Any] = field(default_factory=dict)
    vocabulary: PackVocabulary = field(default_factory=PackVocabulary)


def check_identity(name: str, version: str) -> None:
    """Raises PackError where a pack may not be called so: name and version make the name of its index."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise PackError(f"a pack's name may hold only a-z, 0-9, ., - and _, unlike {name!r}")
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z.+-]*", version):
        raise PackError(f'a pack\'s version must look like "1.0.0", unlike {version!r}')


def write_manifest(directory: Path, pack: PackDescription) -> Path:
    """Writes manifest.json for the files that are in `directory`, with their sizes and SHA-256."""
    check_identity(pack.name, pack.version)
    names = [file for expert in pack.experts for file in (expert.file, *expert.data_files)]
    names += [CLIP_ENCODER_FILE, TEXT_ENCODER_FILE, *pack.vocabulary.files]
    for name in names:
        if not (directory / name).is_file():
            raise PackError(f"{directory} has no {name}")
    size, dim = pack.vocabulary.shape(directory)
    manifest = {
        "formatVersion": FORMAT_VERSION,
        "name": pack.name,
        "version": pack.version,
        "licence": pack.licence,
        "description": pack.description,
        "kind": KINDS[pack.variant],
        "sampleRate": pack.sample_rate,
        "segment": {"lengthSamples": pack.segment_length, "hopSamples": pack.segment_hop},
        "experts": [expert.entry() for expert in pack.experts],
        "clipEncoder": {"file": CLIP_ENCODER_FILE},
        "textEncoder": {
            "file": TEXT_ENCODER_FILE,
            "wordLimit": pack.word_limit,
            "wordDim": dim,
            "tokeniser": pack.vocabulary.tokeniser,
            "vocabulary": pack.vocabulary.entry(size),
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
