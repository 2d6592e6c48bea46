"""Similarities of a pack by its ONNX files, as the runtime computes them: flat vectors of clips, and a query
vector for each pattern of available experts."""

from pathlib import Path

import numpy as np

from earshot_training.onnx_export import open_session
from earshot_training.pack import verify_pack


def pack_similarity(folder: Path, content: dict) -> np.ndarray:
    """[texts, clips] for the inputs of a similarities.json. Features of missing experts are NaN."""
    manifest = verify_pack(folder)
    experts = manifest["experts"]
    names, clips, texts = [expert["name"] for expert in experts], content["clips"], content["texts"]
    there = np.array([[clip[name] is not None for name in names] for clip in clips], np.float32)
    inputs = {"availability": there}
    for expert in experts:
        rows = np.full((len(clips), expert["maxTokens"], expert["featureDim"]), np.nan, np.float32)
        for row, clip in zip(rows, clips, strict=True):
            if clip[expert["name"]] is not None:
                row[:] = padded(clip[expert["name"]], row.shape)
        inputs[f"features_{expert['name']}"] = rows
    outputs = [f"embedding_{name}" for name in names]
    clip = open_session(folder / manifest["clipEncoder"]["file"]).run(outputs, inputs)
    shape = manifest["textEncoder"]["wordLimit"], manifest["textEncoder"]["wordDim"]
    words = np.stack([padded(text["words"], shape) for text in texts])
    *text, weights = open_session(folder / manifest["textEncoder"]["file"]).run(
        [*outputs, "weights"], {"words": words}
    )
    stored = np.concatenate(clip, axis=1)  # [clips, all embeddings]
    similarity = np.empty((len(texts), len(clips)))
    for column, pattern in enumerate(there):
        share = weights * pattern / (weights * pattern).sum(axis=1, keepdims=True)
        query = np.concatenate([share[:, i : i + 1] * t for i, t in enumerate(text)], axis=1)
        similarity[:, column] = query @ stored[column]
    return similarity


def padded(rows: list, shape: tuple[int, int]) -> np.ndarray:
    """Rows with zeros after them; one row may come as a plain list."""
    out = np.zeros(shape, np.float32)
    given = np.array(rows, np.float32).reshape(-1, shape[1])
    out[: len(given)] = given
    return out
