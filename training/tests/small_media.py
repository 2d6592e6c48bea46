"""Small media and small exported experts, made on the spot."""

import json
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile
from onnx import TensorProto, helper

from earshot_training.extraction import ExtractionError
from earshot_training.extraction.ffmpeg import find_ffmpeg
from earshot_training.places import file_sha256

try:
    FFMPEG = find_ffmpeg()
except ExtractionError:
    FFMPEG = None

needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="FFMPEG IS MISSING: run npm ci, or set FFMPEG_PATH")

WINDOW, HOP, TOKENS, DIM = 1200, 800, 2, 3  # of the audio expert "ear"
RATE, SIZE, FRAMES, HOP_FRAMES = 5, 16, 4, 2  # of the visual expert "eye"


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return (8000 * np.random.default_rng(seed).standard_normal(samples)).clip(-32768, 32767).astype(np.int16)


def write_sound(path: Path, samples: np.ndarray, rate: int = 16_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return path


def write_video(path: Path, pictures: np.ndarray, rate: int, sound: Path | None = None) -> Path:
    """A lossless video of pictures uint8 [n, H, W, 3]."""
    height, width = pictures.shape[1:3]
    command = [
        *(FFMPEG, "-y", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"),
        *("-s", f"{width}x{height}", "-r", str(rate), "-i", "pipe:0"),
        *(("-i", str(sound), "-c:a", "pcm_s16le") if sound else ()),
        *("-c:v", "ffv1", "-pix_fmt", "bgr0", str(path)),
    ]
    subprocess.run(command, input=pictures.tobytes(), check=True)
    return path


def colours(count: int, height: int = SIZE, width: int = SIZE, seed: int = 0) -> np.ndarray:
    """Pictures of one colour each."""
    found = np.random.default_rng(seed).integers(0, 256, (count, 1, 1, 3), np.uint8)
    return np.broadcast_to(found, (count, height, width, 3)).copy()


def ear(windows: np.ndarray) -> np.ndarray:
    """What the audio expert computes: means of consecutive samples. [B, WINDOW] -> [B, TOKENS, DIM]."""
    return windows.reshape(len(windows), TOKENS, DIM, -1).mean(axis=3)


def eye(windows: np.ndarray) -> np.ndarray:
    """What the visual expert computes: mean colours. [B, FRAMES, SIZE, SIZE, 3] -> [B, FRAMES, 3]."""
    return windows.astype(np.float32).mean(axis=(2, 3))


def write_experts(folder: Path, eye_aggregation: str = "sequence", ear_dim: int = DIM) -> Path:
    """`ear` and `eye` as exported experts. `ear_dim`: what the description says, true or not."""
    folder.mkdir(parents=True)
    shape = _numbers("shape", [-1, TOKENS, DIM, WINDOW // TOKENS // DIM])
    ear_nodes = [
        helper.make_node("Reshape", ["waveform", "shape"], ["parts"]),
        helper.make_node("ReduceMean", ["parts", "ear_axes"], ["features"], keepdims=0),
    ]
    waveform = ("waveform", TensorProto.FLOAT, ["batch", WINDOW])
    _save(folder / "ear.onnx", ear_nodes, waveform, [shape, _numbers("ear_axes", [3])])
    eye_nodes = [
        helper.make_node("Cast", ["frames"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["numbers", "eye_axes"], ["features"], keepdims=0),
    ]
    frames = ("frames", TensorProto.UINT8, ["batch", FRAMES, SIZE, SIZE, 3])
    _save(folder / "eye.onnx", eye_nodes, frames, [_numbers("eye_axes", [2, 3])])
    common = {"licence": "CC0-1.0", "weights": None, "settings": {}}
    described = {
        "ear": {"modality": "audio", "featureDim": ear_dim, "aggregation": "sequence",
                "tokensPerWindow": TOKENS, "windowSamples": WINDOW, "hopSamples": HOP},
        "eye": {"modality": "visual", "featureDim": 3, "aggregation": eye_aggregation,
                "tokensPerWindow": FRAMES, "framesPerSecond": RATE,
                "frameWidth": SIZE, "frameHeight": SIZE, "framesPerWindow": FRAMES,
                "hopFrames": HOP_FRAMES},
    }  # fmt: skip
    for name, facts in described.items():
        file = folder / f"{name}.onnx"
        files = {file.name: {"bytes": file.stat().st_size, "sha256": file_sha256(file)}}
        content = {"name": name, "file": file.name, **facts, **common, "files": files}
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def _numbers(name: str, values: list[int]) -> onnx.TensorProto:
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def _save(path: Path, nodes: list, told: tuple, constants: list) -> None:
    inputs = [helper.make_tensor_value_info(*told)]
    outputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
