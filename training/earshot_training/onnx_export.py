"""Exports a PyTorch module to one checked ONNX file with named inputs and outputs and a dynamic batch."""

import copy
import logging
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from earshot_training.errors import MendableError

OPSET = 18
TOLERANCE = 1e-4  # how far ONNX Runtime may differ from PyTorch
CHECKED_BATCHES = (1, 3)  # other than the example's, so that a batch frozen into the graph shows
LARGE = 2_000_000_000  # bytes; an ONNX file may not reach 2 GiB: larger weights go to a file beside it
HALF_FROM = 1_024  # weights of fewer elements stay in single precision: they save nothing

# The exporter warns that torchvision is not installed, of which nothing here has any use.
logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)


class ParityError(MendableError):
    """The exported graph does not compute what the module does."""


def export_module(
    module: nn.Module,
    path: Path,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    half: bool = False,
    tolerance: float = TOLERANCE,
    checked_batches: Sequence[int] = CHECKED_BATCHES,
) -> float:
    """Writes `module` to `path` and returns the largest absolute difference from PyTorch found in the check.

    inputs: an example of each input by name, in the order `forward` takes them, batch first (at least 2
    rows). outputs: names for what `forward` returns, a tensor or a tuple. The batch axis is named "batch".
    half: keeps large weights as float16 with a Cast to float32, which ONNX Runtime folds when it loads the
    file: half the size, the same speed. Buffers, such as the front ends' kernels, stay exact. The check
    compares single precision; what rounding costs is for the caller to measure. It runs batches of
    `checked_batches` and one of zeros. Weights of 2 GB and more that stay in single precision go to
    `path` + ".data". Raises ParityError where the difference exceeds `tolerance`.
    """
    module = _ready(module)
    batch = torch.export.Dim("batch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's notes about its own future
        program = torch.onnx.export(
            _Positional(module),
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=(tuple({0: batch} for _ in inputs),),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
        split = None
        if _weight_bytes(module) >= LARGE:
            split = _write_split(program, Path(folder) / path.name)
            graph = split
        else:
            graph = program.model_proto
            _strip_notes(graph)
        difference = _check_parity(module, graph, inputs, outputs, checked_batches)
        if not difference <= tolerance:
            raise ParityError(
                f"{path.name} differs from PyTorch by {difference:.2g}, more than {tolerance:g}"
            )
        if split and not half:
            onnx.checker.check_model(str(split))
            os.replace(f"{split}.data", f"{path}.data")
            os.replace(split, path)
            return difference
        if split:
            graph = onnx.load(split)
        if half:
            _halve_weights(graph, keep={f"module.{name}" for name, _ in module.named_buffers()})
        onnx.checker.check_model(graph)
        onnx.save(graph, path)
        Path(f"{path}.data").unlink(missing_ok=True)  # of an earlier, larger export
    return difference


def open_session(model: Path | onnx.ModelProto) -> onnxruntime.InferenceSession:
    """An ONNX Runtime session on one CPU thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    source = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _ready(module: nn.Module) -> nn.Module:
    """The module in eval mode on the CPU: itself where it is, as there is no room for two large ones."""
    tensors = [*module.parameters(), *module.buffers()]
    if any(part.training for part in module.modules()) or any(x.device.type != "cpu" for x in tensors):
        return copy.deepcopy(module).eval().cpu()
    return module


def _weight_bytes(module: nn.Module) -> int:
    return sum(x.numel() * x.element_size() for x in (*module.parameters(), *module.buffers()))


def _write_split(program: torch.onnx.ONNXProgram, path: Path) -> Path:
    """Writes the graph to `path` and the weights, straight from the module's, to `path` + ".data"."""
    program.save(path, external_data=True)
    graph = onnx.load(path, load_external_data=False)
    _strip_notes(graph)
    onnx.save(graph, path)
    return path


class _Positional(nn.Module):
    """Any number of inputs by position, so that every module is exported in the same way."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor):
        return self.module(*inputs)


def _check_parity(
    module: nn.Module,
    graph: Path | onnx.ModelProto,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    batches: Sequence[int],
) -> float:
    session = open_session(graph)
    difference = 0.0
    samples = [{name: x[torch.arange(size) % len(x)] for name, x in inputs.items()} for size in batches]
    samples.append({name: torch.zeros_like(x) for name, x in inputs.items()})  # silence, no words, no expert
    for sample in samples:
        with torch.no_grad():
            expected = module(*sample.values())
        expected = expected if isinstance(expected, tuple) else (expected,)
        actual = session.run(list(outputs), {name: x.numpy() for name, x in sample.items()})
        for wanted, got in zip(expected, actual, strict=True):
            if got.shape != tuple(wanted.shape):
                raise ParityError(
                    f"an output has shape {got.shape} where PyTorch gives {tuple(wanted.shape)}"
                )
            difference = max(difference, float(np.abs(got - wanted.numpy()).max()))
    return difference


def _strip_notes(graph: onnx.ModelProto) -> None:
    """Removes the exporter's notes: they name files of the machine it ran on, and take space."""
    del graph.metadata_props[:], graph.graph.metadata_props[:], graph.graph.value_info[:]
    for part in (*graph.graph.node, *graph.graph.input, *graph.graph.output, *graph.graph.initializer):
        del part.metadata_props[:]
        part.ClearField("doc_string")


def _halve_weights(graph: onnx.ModelProto, keep: set[str]) -> None:
    casts = []
    for tensor in graph.graph.initializer:
        large = int(np.prod(tensor.dims)) >= HALF_FROM
        if tensor.data_type != onnx.TensorProto.FLOAT or not large or tensor.name in keep:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ValueError(f"weight {tensor.name} is too large for half precision")
        name, half = tensor.name, f"{tensor.name}_half"
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(
            onnx.helper.make_node("Cast", [half], [name], name=f"{name}_cast", to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
