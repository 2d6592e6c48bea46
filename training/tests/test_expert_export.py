"""Exports of the experts. EARSHOT_FULL=1 runs all five at full size: 11 GB of memory, 4 GB of disk."""

import json
import os

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from earshot_training import onnx_export
from earshot_training.experts.build import NETWORKS
from earshot_training.experts.catalogue import EXPERTS
from earshot_training.experts.description import ExpertDescription
from earshot_training.experts.errors import DescriptionError
from earshot_training.experts.export import write_expert
from earshot_training.experts.random_weights import random_expert
from earshot_training.onnx_export import ParityError, export_module, open_session

full_size = pytest.mark.skipif(
    not os.environ.get("EARSHOT_FULL"), reason="set EARSHOT_FULL=1 to export all experts at full size"
)

# A short window through VGGSound's whole network; a small picture through a narrow one of Inst's depth.
QUICK = {
    "vggsound": {"window_samples": 20_000},
    "inst": {"group_width": 2, "frame_size": 64, "size": 56},
}
JSON_FIELDS = {
    "audio": {"windowSamples", "hopSamples"},
    "visual": {"framesPerSecond", "frameWidth", "frameHeight", "framesPerWindow", "hopFrames"},
}


def compare(expert, folder, batch=3):
    """Runs the file in `folder` on new input; returns the largest difference from PyTorch."""
    window = expert.example(batch, seed=9)
    session = open_session(folder / f"{expert.name}.onnx")
    (features,) = session.run(["features"], {session.get_inputs()[0].name: window.numpy()})
    with torch.no_grad():
        expected = expert(window).numpy()
    assert features.shape == (batch, expert.tokens_per_window, EXPERTS[expert.name].dim)
    return np.abs(features - expected).max()


@pytest.mark.parametrize("name", QUICK)
def test_an_export_equals_pytorch_and_describes_itself(name, tmp_path):
    expert = random_expert(name, 0, **QUICK[name])
    weights = {"file": "weights.pth", "sha256": "0" * 64, "source": None}
    description, difference = write_expert(expert, tmp_path, "CC0-1.0", weights, checked_batches=(1,))
    assert difference <= 1e-4 and compare(expert, tmp_path) <= 1e-4

    session = open_session(tmp_path / f"{name}.onnx")
    modality = EXPERTS[name].modality
    (graph_input,) = session.get_inputs()
    assert graph_input.name == ("waveform" if modality == "audio" else "frames")
    assert graph_input.type == ("tensor(float)" if modality == "audio" else "tensor(uint8)")
    assert graph_input.shape == ["batch", *expert.example(1).shape[1:]]

    content = json.loads((tmp_path / f"{name}.json").read_text())
    assert content.keys() == JSON_FIELDS[modality] | {
        "name", "modality", "file", "featureDim", "aggregation", "tokensPerWindow",
        "licence", "weights", "settings", "files",
    }  # fmt: skip
    assert ExpertDescription.read(tmp_path / f"{name}.json") == description
    description.check_files(tmp_path)
    # What no feature needs is not in the file.
    unused = {"fc", "classifier"} & {name for name, _ in expert.network.named_children()}
    parameters = sum(parameter.numel() for parameter in expert.network.parameters())
    parameters -= sum(p.numel() for head in unused for p in getattr(expert.network, head).parameters())
    assert abs((tmp_path / f"{name}.onnx").stat().st_size / (4 * parameters) - 1) < 0.2


@full_size
@pytest.mark.parametrize("name", NETWORKS)
def test_an_export_at_full_size_equals_pytorch(name, tmp_path):
    expert = random_expert(name, 0)
    description, difference = write_expert(expert, tmp_path, "CC0-1.0", checked_batches=(1,))
    print(f"{name}: ONNX Runtime and PyTorch differ by {difference:.1e}")
    assert difference <= 1e-4 and compare(expert, tmp_path, batch=2) <= 1e-4
    assert description.data_files == (("inst.onnx.data",) if name == "inst" else ())


class Small(nn.Module):
    """Enough weights to be halved."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(64, 64)

    def forward(self, x):
        return self.linear(x)


def export_small(path, **options):
    return export_module(Small().eval(), path, {"x": torch.ones(2, 64)}, ["y"], **options)


def test_large_weights_go_to_a_file_beside_the_graph(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "LARGE", 10_000)
    assert export_small(tmp_path / "model.onnx") < 1e-5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "model.onnx.data"]
    assert (tmp_path / "model.onnx").stat().st_size < 4_000 < (tmp_path / "model.onnx.data").stat().st_size
    onnx.checker.check_model(str(tmp_path / "model.onnx"))
    assert not onnx.load(tmp_path / "model.onnx").metadata_props

    # Half of them fit into one file again; the other one would only confuse.
    export_small(tmp_path / "model.onnx", half=True)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert (tmp_path / "model.onnx").stat().st_size < 12_000


@pytest.mark.parametrize("large", (10_000, onnx_export.LARGE))
def test_an_export_that_differs_leaves_nothing_behind(large, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "LARGE", large)
    with pytest.raises(ParityError, match="more than -1"):
        export_small(tmp_path / "model.onnx", tolerance=-1.0)
    assert not list(tmp_path.iterdir())


def test_a_module_is_exported_as_it_was_left(tmp_path):
    module = nn.Sequential(Small(), nn.Dropout()).train()
    export_module(module, tmp_path / "model.onnx", {"x": torch.ones(2, 64)}, ["y"])
    assert module.training and module[1].training


def small_description(**changes):
    content = {
        "name": "scene", "modality": "visual", "file": "scene.onnx", "featureDim": 2208,
        "aggregation": "average", "tokensPerWindow": 1, "licence": "CC-BY", "framesPerSecond": 25,
        "frameWidth": 256, "frameHeight": 256, "framesPerWindow": 1, "hopFrames": 1,
        "files": {"scene.onnx": {"bytes": 3, "sha256": "0" * 64}},
    }  # fmt: skip
    return json.dumps({**content, **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected JSON"),
        ("[]", "description of an audio or visual expert"),
        (small_description(modality="speech"), "description of an audio or visual expert"),
        (small_description(hopFrames=0), "hopFrames to be a whole number above 0 but found 0"),
        (small_description(featureDim="wide"), "featureDim to be a whole number above 0 but found 'wide'"),
        (small_description(framesPerSecond=None), "framesPerSecond to be a number above 0 but found None"),
        (small_description(files={}), "files to list scene.onnx but found {}"),
        (small_description(files={"scene.onnx": 3}), "bytes and sha256 of scene.onnx but found 3"),
    ],
)
def test_a_description_that_is_none_is_refused(text, message, tmp_path):
    (tmp_path / "scene.json").write_text(text)
    with pytest.raises(DescriptionError, match=message):
        ExpertDescription.read(tmp_path / "scene.json")


def test_files_that_are_not_the_described_ones_are_refused(tmp_path):
    with pytest.raises(DescriptionError, match="No such file"):
        ExpertDescription.read(tmp_path / "scene.json")
    (tmp_path / "scene.json").write_text(small_description())
    description = ExpertDescription.read(tmp_path / "scene.json")
    with pytest.raises(DescriptionError, match=r"has no scene\.onnx"):
        description.check_files(tmp_path)
    (tmp_path / "scene.onnx").write_bytes(b"four")
    with pytest.raises(DescriptionError, match="should have 3 bytes but has 4"):
        description.check_files(tmp_path)
    (tmp_path / "scene.onnx").write_bytes(b"abc")
    with pytest.raises(DescriptionError, match="should have SHA256 0000"):
        description.check_files(tmp_path)
