"""Exported experts that are quick and small: they have the ports of the real ones and no weights."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from earshot_training.experts.description import ExpertDescription, list_files

FRAME = 32  # pixels
AUDIO = {"vggish": (15_600, 15_360, 1), "vggsound": (160_000, 76_800, 32)}  # window, hop, tokens
VISUAL = {"inst": (25.0, 1, 1), "r2p1d": (30.0, 8, 32), "scene": (25.0, 1, 1)}  # frames/s, in a window, hop


def write_stand_in(folder: Path, name: str, dim: int, **changes) -> ExpertDescription:
    """Writes NAME.onnx and NAME.json as `earshot-training experts export` does. `changes`: other fields of
    the description, for the graph as well where they are about windows."""
    folder.mkdir(parents=True, exist_ok=True)
    fields = {"name": name, "file": f"{name}.onnx", "feature_dim": dim, "licence": "Apache-2.0"}
    if name in AUDIO:
        window, hop, tokens = AUDIO[name]
        fields |= {"modality": "audio", "aggregation": "sequence", "tokens_per_window": tokens}
        fields |= {"window_samples": window, "hop_samples": hop} | changes
        shape, kind = [fields["window_samples"]], TensorProto.FLOAT
    else:
        rate, frames, hop = VISUAL[name]
        fields |= {"modality": "visual", "aggregation": "average", "tokens_per_window": 1}
        fields |= {"frames_per_second": rate, "frame_width": FRAME, "frame_height": FRAME}
        fields |= {"frames_per_window": frames, "hop_frames": hop} | changes
        shape, kind = [fields["frames_per_window"], FRAME, FRAME, 3], TensorProto.UINT8
    _write_graph(folder / f"{name}.onnx", shape, kind, fields["tokens_per_window"], dim)
    description = ExpertDescription(**fields, files=list_files(folder, [f"{name}.onnx"]))
    description.write(folder / f"{name}.json")
    return description


def _write_graph(path: Path, shape: list[int], kind: int, tokens: int, dim: int) -> None:
    """Cuts a window into tokens * dim equal runs and takes the mean size of each."""
    port = "waveform" if kind == TensorProto.FLOAT else "frames"
    share = int(np.prod(shape)) // (tokens * dim)
    constants = {
        "flat": [-1, int(np.prod(shape))], "start": [0], "end": [tokens * dim * share], "axis": [1],
        "parts": [-1, tokens, dim, share],
    }  # fmt: skip
    nodes = [
        helper.make_node("Cast", [port], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["numbers", "flat"], ["row"]),
        helper.make_node("Slice", ["row", "start", "end", "axis"], ["used"]),
        helper.make_node("Reshape", ["used", "parts"], ["runs"]),
        helper.make_node("Abs", ["runs"], ["sizes"]),
        helper.make_node("ReduceMean", ["sizes"], ["features"], axes=[3], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info(port, kind, ["batch", *shape])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", tokens, dim])],
        [numpy_helper.from_array(np.array(values, np.int64), name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
