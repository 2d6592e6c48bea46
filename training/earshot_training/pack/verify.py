"""Checks that a model pack is whole and does what its manifest says."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from earshot_training.onnx_export import open_session
from earshot_training.pack.errors import PackError
from earshot_training.pack.manifest import FORMAT_VERSION, MANIFEST_FILE
from earshot_training.pack.text import PackVocabulary
from earshot_training.places import file_sha256


def verify_pack(directory: Path) -> dict[str, Any]:
    """Checks a pack's files against its manifest, and that every graph runs and gives what it should.

    Returns the manifest. Raises PackError with the first thing that is wrong.
    """
    directory = Path(directory)
    path = directory / MANIFEST_FILE
    if not path.is_file():
        raise PackError(f"{directory} has no {MANIFEST_FILE}")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PackError(f"{path} is no JSON: {error}") from None
    if not isinstance(manifest, dict):
        raise PackError(f"{path}: expected a JSON object, found a {type(manifest).__name__}")
    if manifest.get("formatVersion") != FORMAT_VERSION:
        raise PackError(f"{path} has format version {manifest.get('formatVersion')}, not {FORMAT_VERSION}")
    try:
        _verify_parts(directory, manifest)
    except (KeyError, TypeError, AttributeError) as error:
        raise PackError(f"{path}: a field is missing or of the wrong kind ({error})") from None
    return manifest


def _verify_parts(directory: Path, manifest: dict[str, Any]) -> None:
    for name, expected in manifest["files"].items():
        file = directory / name
        if not file.is_file():
            raise PackError(f"{directory} has no {name}")
        if file.stat().st_size != expected["bytes"] or file_sha256(file) != expected["sha256"]:
            raise PackError(f"{file} is not the file the manifest describes")
    graphs = manifest["clipEncoder"]["file"], manifest["textEncoder"]["file"]
    for name in (*graphs, *PackVocabulary.of_manifest(manifest["textEncoder"]).files):
        if name not in manifest["files"]:
            raise PackError(f"{name} is not among the manifest's files")
    _verify_grid(manifest)
    _verify_vocabulary(directory, manifest["textEncoder"])
    for expert in manifest["experts"]:
        _verify_expert(directory, expert)
    _verify_clip_encoder(directory, manifest)
    _verify_text_encoder(directory, manifest)


def _verify_grid(manifest: dict[str, Any]) -> None:
    """Windows and segments as the runtime wants them (docs/model-packs.md)."""
    length, hop = manifest["segment"]["lengthSamples"], manifest["segment"]["hopSamples"]
    if not 0 < hop <= length:
        raise PackError(f"segments of {length} samples cannot start every {hop}: audio between would be lost")
    for expert in manifest["experts"]:
        name = expert["name"]
        if expert["file"] not in manifest["files"]:
            raise PackError(f"{expert['file']} of expert {name} is not among the manifest's files")
        if expert["aggregation"] == "average" and expert["maxTokens"] != 1:
            raise PackError(f"{name} is averaged, so maxTokens must be 1, not {expert['maxTokens']}")
        if expert["modality"] == "audio":
            if hop % expert["hopSamples"]:
                raise PackError(
                    f"hopSamples {expert['hopSamples']} of {name} does not divide the segments' {hop}"
                )
            if (expert["windowsPerSegment"] - 1) * expert["hopSamples"] >= length:
                raise PackError(f"the last of {name}'s windows starts after its segment of {length} samples")


def _verify_vocabulary(directory: Path, text_encoder: dict[str, Any]) -> None:
    described = PackVocabulary.of_manifest(text_encoder)
    for name in described.files:
        if not (directory / name).is_file():
            raise PackError(f"{directory} has no {name}")
    vocabulary = described.load(directory)
    expected = (text_encoder["vocabulary"]["size"], text_encoder["wordDim"])
    if vocabulary.vectors.shape != expected:
        raise PackError(f"the vocabulary has shape {vocabulary.vectors.shape}, the manifest says {expected}")
    if len(vocabulary.index) != len(vocabulary):
        raise PackError("the vocabulary names a word twice")
    if not np.isfinite(vocabulary.vectors).all():
        raise PackError(f"{described.vectors} holds a number that is not finite")


def _verify_expert(directory: Path, expert: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    if expert["modality"] == "visual":
        size = (2, expert["framesPerWindow"], expert["frameHeight"], expert["frameWidth"], 3)
        inputs = {"frames": rng.integers(0, 256, size, dtype=np.uint8)}
    else:
        inputs = {"waveform": rng.normal(0, 0.1, (2, expert["windowSamples"])).astype(np.float32)}
    for value in inputs.values():
        value[1] = 0  # silence and darkness must give numbers, too
    shape = (2, expert["tokensPerWindow"], expert["featureDim"])
    _run(directory / expert["file"], inputs, {"features": shape})


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
