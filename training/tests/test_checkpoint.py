import argparse
import builtins
import os
import subprocess
import sys
import tarfile
import types
import zipfile
from pathlib import Path, PosixPath

import numpy as np
import pytest
import torch
from conftest import golden, golden_json, needs_shared

from earshot_training.checkpoint import (
    CheckpointError,
    build_model,
    read_checkpoint,
    rename_experts,
    variant_of,
)
from earshot_training.checkpoint.settings import check_settings, read_settings
from earshot_training.model import CENet


def small_model(variant="ce"):
    experts = {"audio": {"dim": 6, "clusters": 2}, "still": {"dim": 4}}
    if variant == "single":
        experts = {"audio": experts["audio"]}
    return CENet(experts, variant, text_dim=5, text_clusters=3, shared_dim=8)


def batch_of(model):
    features = {"audio": torch.randn(3, 4, 6), "still": torch.randn(3, 4)}
    return features, torch.ones(3, 2), torch.randn(2, 5, 5)


def pickle_of(path):
    with zipfile.ZipFile(path) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))


def altered(path, change):
    """The same zip file with another pickle."""
    with zipfile.ZipFile(path) as archive:
        content = {entry: archive.read(entry) for entry in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, change(data) if name.endswith("data.pkl") else data)
    return path


class Call:
    """Pickles as a call of a function with arguments."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.fixture
def reference_file(tmp_path, monkeypatch):
    """Writes a file as the reference's trainer does, with a config object of a class of its own."""
    module = types.ModuleType("parse_config")
    module.ConfigParser = type("ConfigParser", (), {"__module__": "parse_config"})
    monkeypatch.setitem(sys.modules, "parse_config", module)

    def write(model, settings=None, zipped=True, **extra):
        config = module.ConfigParser()
        config._config = {"arch": {"type": "CENet"}, "visualizer": {"src_video_dir": PosixPath("/videos")}}
        config._config.update(settings or {})
        config._save_dir = PosixPath("data/saved/models/audiocaps-train/1a2b3c4d/seed-0/2021-06-09_17-06-26")
        config.args = argparse.Namespace(config="some.json")
        content = {
            "arch": "CENet", "epoch": 7, "state_dict": model.state_dict(), "monitor_best": np.float64(42.25),
            "config": config, **extra,
        }  # fmt: skip
        path = tmp_path / "trained_model.pth"
        torch.save(content, path, _use_new_zipfile_serialization=zipped)
        monkeypatch.delitem(sys.modules, "parse_config")
        return path

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


def test_the_folder_a_checkpoint_was_saved_in_is_known(reference_file):
    saved_as = read_checkpoint(reference_file(small_model())).saved_as
    assert saved_as[-4:] == ("audiocaps-train", "1a2b3c4d", "seed-0", "2021-06-09_17-06-26")


@pytest.mark.parametrize("zipped", (True, False), ids=("zip", "legacy"))
def test_old_and_new_files_of_pytorch_are_read_with_their_optimiser(reference_file, zipped):
    model = small_model()
    optimiser = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    model(*batch_of(model)).similarity.sum().backward()
    optimiser.step()
    checkpoint = read_checkpoint(reference_file(model, zipped=zipped, optimizer=optimiser.state_dict()))
    assert checkpoint.optimizer["param_groups"][0]["momentum"] == 0.9
    torch.testing.assert_close(checkpoint.state_dict["ce.moe_fc.weight"], model.ce.moe_fc.weight.detach())


def test_tensors_that_were_on_a_gpu_come_to_the_cpu(reference_file):
    model = small_model()
    path = altered(
        reference_file(model, optimizer={"state": {0: {"exp_avg": torch.arange(3.0)}}}),
        lambda pickle: pickle.replace(b"ctorch\nFloatStorage", b"ctorch.cuda\nFloatStorage").replace(
            b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"
        ),
    )
    average = read_checkpoint(path).optimizer["state"][0]["exp_avg"]
    assert average.device.type == "cpu" and average.tolist() == [0, 1, 2]


@pytest.mark.parametrize("module", ("numpy.core", "numpy._core"))
def test_numbers_of_numpy_1_and_2_are_read(reference_file, module):
    path = altered(
        reference_file(small_model(), monitor_best=np.float32(0.5), other=np.int64(3)),
        lambda pickle: pickle.replace(b"numpy._core.", b"numpy.core.").replace(
            b"numpy.core.", f"{module}.".encode()
        ),
    )
    assert f"c{module}.multiarray\nscalar".encode() in pickle_of(path)
    assert read_checkpoint(path).monitor_best == 0.5


# --- files that are refused ---

PLACES = {
    "beside the weights": lambda call: {"surprise": call},
    "in the configuration": lambda call: {"settings": {"arch": {"args": [call]}}},
    "in the optimiser": lambda call: {"optimizer": {"state": {0: {"exp_avg": (call,)}}}},
    "as the best metric": lambda call: {"monitor_best": call},
}
CALLS = {
    "os.system": lambda mark: Call(os.system, f"touch {mark}"),
    "subprocess": lambda mark: Call(subprocess.Popen, ["touch", str(mark)]),
    "eval": lambda mark: Call(eval, f"open({str(mark)!r}, 'w')"),
    "getattr": lambda mark: Call(getattr, Call(__import__, "os"), "system"),
    "a path's method": lambda mark: Call(Path.touch, mark),
    "a path's class": lambda mark: Call(builtins.open, mark, "w"),
    "torch.load": lambda mark: Call(torch.load, str(mark)),
    "another class of the configuration's module": lambda mark: Call(sys.modules["parse_config"].Other),
}


@pytest.mark.parametrize("zipped", (True, False), ids=("zip", "legacy"))
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("call", CALLS)
def test_a_file_that_asks_for_more_than_data_is_refused_and_nothing_is_run(
    reference_file, tmp_path, call, place, zipped
):
    mark = tmp_path / "was-here"
    sys.modules["parse_config"].Other = type("Other", (), {"__module__": "parse_config"})
    path = reference_file(small_model(), zipped=zipped, **PLACES[place](CALLS[call](mark)))
    with pytest.raises(
        CheckpointError, match=r"found \S+, which a checkpoint has no use for; nothing of it was run"
    ):
        read_checkpoint(path)
    assert not mark.exists()


def test_a_name_is_not_imported_to_be_refused(reference_file, tmp_path, monkeypatch):
    (tmp_path / "trap.py").write_text(f"open({str(tmp_path / 'was-here')!r}, 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = altered(reference_file(small_model()), lambda pickle: pickle.replace(b"parse_config", b"trap", 1))
    with pytest.raises(CheckpointError, match=r"found trap\.ConfigParser"):
        read_checkpoint(path)
    assert not (tmp_path / "was-here").exists()


def test_a_scalar_that_hides_an_object_is_refused(reference_file):
    path = altered(
        reference_file(small_model()),
        lambda pickle: pickle.replace(b"X\x02\x00\x00\x00f8", b"X\x02\x00\x00\x00O8"),
    )
    with pytest.raises(CheckpointError, match="no plain number"):
        read_checkpoint(path)


@pytest.mark.parametrize("zipped", (True, False), ids=("zip", "legacy"))
@pytest.mark.parametrize("share", (0.05, 0.5, 0.95))
def test_a_file_that_is_cut_short_is_refused(reference_file, zipped, share):
    path = reference_file(small_model(), zipped=zipped)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(CheckpointError, match="cut short"):
        read_checkpoint(path)


def write_tar(path):
    with tarfile.open(path, "w") as archive:
        archive.add(__file__, "storages")


def save(**content):
    return lambda path: torch.save(content, path)


def write_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<text/>")


@pytest.mark.parametrize(
    ("write", "found"),
    [
        (lambda path: path.write_bytes(b""), "an empty file"),
        (lambda path: path.write_text("<!DOCTYPE html><title>404</title>"), "a web page"),
        (lambda path: path.write_bytes(b"\x1f\x8b\x08rest"), "a gzip archive"),
        (lambda path: path.write_bytes(b"\x80\x02\xff"), r"found more \(.*: Unsupported operand"),
        (lambda path: path.write_bytes(b"RIFF\x00\x00\x00\x00WAVE"), "begins with b'RIFF"),
        (write_tar, "a tar archive"),
        (write_zip, "cannot be read"),
        (lambda path: torch.save([1, 2], path), "found a list"),
        (lambda path: torch.save({"conv1.weight": torch.ones(1)}, path), r"found keys conv1\.weight"),
        (save(arch="MMT", state_dict={}), "'CENet', found 'MMT'"),
        (save(arch="CENet", state_dict={"a": 1}), "names to tensors"),
        (save(arch="CENet", state_dict={}, epoch=1, config=3), "config to hold the settings .* found a int"),
        (save(arch="CENet", state_dict={}, epoch="1"), "epoch to be a whole number, found '1'"),
        (save(arch="CENet", state_dict={}, epoch=1, monitor_best="good"), "monitor_best to be a number"),
        (save(arch="CENet", state_dict={}, epoch=1, optimizer=[]), "optimizer to be a dictionary"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, write, found):
    write(tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=rf"x\.pth: expected .*{found}"):
        read_checkpoint(tmp_path / "x.pth")


def test_outdated_weights_are_dropped(reference_file):
    model = small_model()
    path = reference_file(model, state_dict={**model.state_dict(), "ce.moe_cg.fc.weight": torch.ones(2)})
    assert "ce.moe_cg.fc.weight" not in read_checkpoint(path).state_dict


def test_the_wrong_number_of_experts_is_refused():
    with pytest.raises(CheckpointError, match="2 experts, not of 1"):
        build_model(small_model().state_dict(), ["audio"])


def without(weights, start):
    return {name: value for name, value in weights.items() if not name.startswith(start)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: without(w, "text_pooling.clusters"), r"none called text_pooling\.clusters2"),
        (lambda w: without(w, "ce.text_GU.1.cg"), r"expected ce\.text_GU\.1\.cg\.fc.* and 4 more in"),
        (lambda w: w | {"vid_bert.embeddings": torch.ones(2)}, r"found vid_bert\.embeddings as well"),
        (lambda w: w | {"ce.g_reason_1.bias": torch.ones(9)}, r"g_reason_1\.bias .* \[8\], found \[9\]"),
        (lambda w: w | {"ce.moe_fc.bias": torch.full((2,), torch.nan)}, "NaN or infinity in ce.moe_fc.bias"),
        (lambda w: w | {"ce.moe_fc.bias": torch.zeros(1).expand(2)}, "found one that repeats"),
        (lambda w: w | {"ce.moe_fc.bias": torch.zeros(2, dtype=torch.int8)}, "numbers, found torch.int8"),
        (lambda w: w | {"text_pooling.clusters": torch.ones(1).expand(5, 10**15)}, "to have shape .10{15}."),
        (lambda w: w | {"text_pooling.clusters": torch.zeros(5, 2)}, "to have 3 columns, found 2"),
        (lambda w: w | {"ce.moe_fc.weight": torch.zeros(2, 0)}, r"found shape \[2, 0\]"),
        (lambda w: without(w, "ce.g_reason"), "found weights of 2 without it"),
        (lambda w: w | {"ce.moe_fc.weight": torch.ones(2)}, r"to have 2 axes, found shape \[2\]"),
    ],
)  # fmt: skip
def test_weights_of_another_architecture_are_refused(change, message):
    with pytest.raises(CheckpointError, match=message):
        build_model(change(small_model().state_dict()), ["audio", "still"])


def test_pooled_experts_may_get_other_names():
    model = small_model()
    renamed = build_model(rename_experts(model.state_dict(), {"audio": "vggish"}), ["vggish", "inst"])
    assert [renamed.experts["vggish"], renamed.experts["inst"]] == list(model.experts.values())


def settings_of_small_model(**changes):
    """A configuration as the reference's that describes `small_model()`; `changes` by dotted name."""
    config = {
        "experts": {"modalities": ["still", "audio"], "text_agg": "vlad", "ce_shared_dim": 8},
        "arch": {"args": {
            "use_ce": "pairwise", "use_mish": 1, "include_self": 1, "num_g_layers": 3, "mimic_ce_dims": 0,
            "vlad_clusters": {"text": 3, "audio": 2, "ocr": 32}, "ghost_clusters": {"text": 1},
        }},
        "data_loader": {"args": {
            "dataset_name": "AudioCaps", "max_tokens": {"text": 20, "audio": 29},
            "feat_aggregation": {
                "audio": {"temporal": "vlad", "type": "embed"},
                "still": {"temporal": "avg", "type": "embed", "feat_dims": {"embed": 4, "logits": 9}},
            },
        }},
        "loss": {"args": {"margin": 0.3}},
    }  # fmt: skip
    for name, value in changes.items():
        *parents, last = name.split("__")
        part = config
        for parent in parents:
            part = part[parent]
        part[last] = value
    return config


def test_a_configuration_tells_experts_limits_data_set_and_margin():
    settings = read_settings(settings_of_small_model())
    assert settings.experts == ("audio", "still") and settings.max_tokens == {"audio": 29}
    assert (settings.text_tokens, settings.dataset, settings.margin) == (20, "AudioCaps", 0.3)
    assert read_settings({}).experts == () and read_settings({}).text_tokens is None


def test_a_configuration_that_fits_the_weights_is_accepted():
    check_settings(settings_of_small_model(), small_model())
    check_settings({}, small_model())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"experts__modalities": ["audio", "vggsound"]}, r"modalities \(sorted\) to be \['audio', 'still'\]"),
        ({"experts__ce_shared_dim": 768}, "ce_shared_dim to be 8, the configuration says 768"),
        ({"experts__text_agg": "lstm"}, "text_agg"),
        ({"arch__args__use_ce": ""}, r"to be 'ce', the configuration says 'moee'"),
        ({"arch__args__use_ce": "pairwise-star"}, "pairwise-star"),
        ({"arch__args__use_mish": 0}, "use_mish to be 1, the configuration says 0"),
        ({"arch__args__include_self": 0}, "include_self"),
        ({"arch__args__keep_missing_modalities": True}, "keep_missing_modalities"),
        ({"arch__args__vlad_clusters__text": 20}, r"vlad_clusters\.text to be 3, the configuration says 20"),
        ({"arch__args__vlad_clusters__audio": 16}, r"vlad_clusters\.audio to be 2"),
        ({"arch__args__ghost_clusters__text": 0}, r"ghost_clusters\.text to be 1"),
        ({"data_loader__args__feat_aggregation__still__temporal": "vlad"}, "temporal to be 'avg'"),
        ({"data_loader__args__feat_aggregation__still__feat_dims__embed": 2048}, "of still to be 4"),
        ({"data_loader__args__max_tokens__text": "20"}, "a whole number from 1 to 10000, found '20'"),
        ({"data_loader__args__max_tokens__audio": 10**9}, "found 1000000000"),
        ({"data_loader__args__max_tokens": [20]}, "max_tokens of the configuration to be an object"),
        ({"experts__modalities": "audio"}, "to list names"),
    ],
)  # fmt: skip
def test_a_configuration_that_does_not_fit_the_weights_is_refused(change, message):
    with pytest.raises(CheckpointError, match=message):
        check_settings(settings_of_small_model(**change), small_model())


GOLDEN = (
    "ce-r2p1d-inst-vggish-vggsound-small",
    "ce-vggish-only-small",
    "ce-vggish-vggsound-small",
    "moee-vggish-vggsound-small",
)


@needs_shared
@pytest.mark.parametrize("stem", GOLDEN)
def test_the_reference_s_own_files_are_read(stem):
    checkpoint = read_checkpoint(golden(f"retrieval/{stem}.pth"))
    sizes = golden_json(f"retrieval/{stem}.json")
    settings = read_settings(checkpoint.config)
    assert list(settings.experts) == sizes["modalities_in_model_order"]
    assert {**settings.max_tokens, "text": settings.text_tokens} == sizes["max_tokens"]
    check_settings(checkpoint.config, build_model(checkpoint.state_dict, settings.experts))
    assert checkpoint.config["arch"]["args"] == sizes["arch_args"]
    assert isinstance(checkpoint.monitor_best, float)
