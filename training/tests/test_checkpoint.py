import argparse
import contextlib
import pickle
import sys
import types
from pathlib import Path, PosixPath

import numpy as np
import pytest
import torch
from conftest import golden, golden_json, needs_shared

from earshot_training.checkpoint import build_model, read_checkpoint, variant_of
from earshot_training.model import CENet


def small_model(variant="ce"):
    experts = {"audio": {"dim": 6, "clusters": 2}, "still": {"dim": 4}}
    if variant == "single":
        experts = {"audio": experts["audio"]}
    return CENet(experts, variant, text_dim=5, text_clusters=3, shared_dim=8)


class Marker:
    """Pickles as a call that would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def reference_file(tmp_path, monkeypatch):
    """Writes a file as the reference's trainer does, with a config object of a class of its own."""
    module = types.ModuleType("parse_config")
    module.ConfigParser = type("ConfigParser", (), {"__module__": "parse_config"})
    monkeypatch.setitem(sys.modules, "parse_config", module)

    def write(model, **extra):
        config = module.ConfigParser()
        config._config = {"arch": {"type": "CENet"}, "visualizer": {"src_video_dir": PosixPath("/videos")}}
        config.args = argparse.Namespace(config="some.json")
        content = {
            "arch": "CENet", "epoch": 7, "state_dict": model.state_dict(), "monitor_best": np.float64(42.25),
            "config": config, **extra,
        }  # fmt: skip
        torch.save(content, tmp_path / "trained_model.pth")
        monkeypatch.delitem(sys.modules, "parse_config")
        return tmp_path / "trained_model.pth"

    return write


@pytest.mark.parametrize("variant", ("ce", "moee", "single"))
def test_a_model_is_rebuilt_from_its_checkpoint(reference_file, variant):
    model = small_model(variant)
    checkpoint = read_checkpoint(reference_file(model))
    assert (checkpoint.arch, checkpoint.epoch, checkpoint.monitor_best) == ("CENet", 7, 42.25)
    assert checkpoint.config["arch"] == {"type": "CENet"} and checkpoint.optimizer is None
    assert variant_of(checkpoint.state_dict) == variant
    rebuilt = build_model(checkpoint.state_dict, list(model.experts))
    assert rebuilt.experts == model.experts and not rebuilt.training
    for name, value in model.state_dict().items():
        torch.testing.assert_close(rebuilt.state_dict()[name], value)


def test_classes_that_are_not_trusted_become_inert(reference_file):
    directory = read_checkpoint(reference_file(small_model())).config["visualizer"]["src_video_dir"]
    assert not isinstance(directory, Path) and directory.args == ("/", "videos")


def test_nothing_in_a_checkpoint_is_run(reference_file, tmp_path):
    path = reference_file(small_model(), surprise=Marker(tmp_path / "was-here"))
    with contextlib.suppress(pickle.UnpicklingError):  # refusing the whole file is as good
        read_checkpoint(path)
    assert not (tmp_path / "was-here").exists()


def test_outdated_weights_are_dropped(reference_file):
    model = small_model()
    path = reference_file(model, state_dict={**model.state_dict(), "ce.moe_cg.fc.weight": torch.ones(2)})
    assert "ce.moe_cg.fc.weight" not in read_checkpoint(path).state_dict


def test_the_wrong_number_of_experts_is_refused():
    with pytest.raises(ValueError, match="2 experts, not of 1"):
        build_model(small_model().state_dict(), ["audio"])


@needs_shared
@pytest.mark.parametrize("stem", ("ce-vggish-vggsound-small", "ce-vggish-only-small"))
def test_the_reference_s_own_files_are_read(stem):
    checkpoint = read_checkpoint(golden(f"retrieval/{stem}.pth"))
    sizes = golden_json(f"retrieval/{stem}.json")
    assert checkpoint.config["experts"]["modalities"] == sizes["modalities_in_model_order"]
    assert checkpoint.config["arch"]["args"] == sizes["arch_args"]
    assert isinstance(checkpoint.monitor_best, float)
