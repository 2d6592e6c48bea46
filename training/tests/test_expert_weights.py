import pickle
import pickletools
import re
import zlib
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot_training.downloads import MismatchError, file_hashes
from earshot_training.experts.build import build_expert
from earshot_training.experts.errors import ForeignWeightsError, SettingsError, UnreadableWeightsError
from earshot_training.experts.random_weights import random_expert
from earshot_training.experts.tensorflow_checkpoint import LAYERS, read_vggish
from earshot_training.experts.weights import load_expert, read_pca

# How the published files wrap and prefix their tensors.
PUBLISHED = {
    "vggish": lambda state: state,
    "vggsound": lambda state: {"epoch": 3, "model_state_dict": prefixed("audnet.", state)},
    "inst": lambda state: state,
    "scene": lambda state: {"arch": "densenet161", "state_dict": prefixed("module.", old_names(state))},
    "r2p1d": lambda state: state,
}


def prefixed(prefix, state):
    return OrderedDict((prefix + key, value) for key, value in state.items())


def old_names(state):
    """As PyTorch before 0.4 wrote them: `norm.1`, and no count of batches."""
    return {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key): value
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
    }


def value_of(key):
    """A number of its own for every tensor."""
    return zlib.crc32(key.encode()) / 2**32


def published_state(name, **settings):
    """All tensors of a network at full size, each of one number only, so that files stay small."""
    state = build_expert(name, device="meta", **settings).network.state_dict()
    return {
        key: torch.zeros(tensor.shape, dtype=torch.int64)
        if key.endswith("num_batches_tracked")
        else torch.tensor(value_of(key)).expand(tensor.shape)
        for key, tensor in state.items()
    }


def write(folder, name, change=lambda state: None, file="weights.pth", **options):
    state = dict(published_state(name))
    change(state)
    torch.save(PUBLISHED[name](state), folder / file, **options)
    return folder / file


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_file_is_imported_strictly(name, tmp_path):
    expert = load_expert(name, write(tmp_path, name))
    assert not expert.training
    for key, tensor in expert.network.state_dict().items():
        expected = 0 if key.endswith("num_batches_tracked") else value_of(key)
        assert tensor.flatten()[0].item() == pytest.approx(expected, abs=1e-6), key


def test_an_imported_expert_computes_what_the_original_does(tmp_path):
    original = random_expert("vggsound", 0, window_samples=6_000)
    torch.save(
        {"model_state_dict": prefixed("audnet.", original.network.state_dict())}, tmp_path / "H.pth.tar"
    )
    imported = load_expert("vggsound", tmp_path / "H.pth.tar", window_samples=6_000)
    waveform = original.example(2)
    with torch.no_grad():
        torch.testing.assert_close(imported(waveform), original(waveform), rtol=0, atol=0)


def as_python_2(path):
    """Rewrites a file of the old format with the byte strings that Python 2 pickled."""
    data, start, pickles = path.read_bytes(), 0, []
    for _ in range(5):  # magic number, protocol, system, content, names of the storages
        parts = list(pickletools.genops(data[start:]))
        ends = [position for _, _, position in parts[1:]] + [parts[-1][2] + 1]
        for (opcode, argument, position), end in zip(parts, ends, strict=True):
            piece = data[start + position : start + end]
            if opcode.name == "BINUNICODE" and len(argument.encode()) < 256:
                piece = b"U" + bytes([len(argument.encode())]) + argument.encode()
            pickles.append(piece)
        start += ends[-1]
    path.write_bytes(b"".join(pickles) + data[start:])
    return path


def test_a_file_of_the_python_2_days_is_imported(tmp_path):
    path = as_python_2(write(tmp_path, "scene", _use_new_zipfile_serialization=False))
    assert b"denselayer1.norm.1.weight" in path.read_bytes() and b"U" in path.read_bytes()
    expert = load_expert("scene", path)
    key = "features.denseblock4.denselayer24.conv2.weight"
    assert expert.network.state_dict()[key].flatten()[0].item() == pytest.approx(value_of(key), abs=1e-6)


@pytest.mark.parametrize("kind", ("pth", "npz"))
def test_the_pca_is_imported_with_means_as_a_column(kind, tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"pca_eigen_vectors": rng.normal(size=(128, 128)), "pca_means": rng.normal(size=128)}
    path = tmp_path / f"pca.{kind}"
    if kind == "pth":
        torch.save(arrays, path)
    else:
        np.savez(path, **arrays)
    expert = load_expert("vggish", write(tmp_path, "vggish"), path)
    assert expert.settings["pca"]
    processor = expert.network.pproc
    np.testing.assert_allclose(processor.pca_eigen_vectors, arrays["pca_eigen_vectors"], rtol=1e-6)
    np.testing.assert_allclose(processor.pca_means, arrays["pca_means"][:, None], rtol=1e-6)


def test_pca_needs_its_file_and_the_right_one(tmp_path):
    weights = write(tmp_path, "vggish")
    with pytest.raises(SettingsError, match="needs the file of the PCA"):
        load_expert("vggish", weights, pca=True)
    with pytest.raises(ForeignWeightsError, match="holds no pca_eigen_vectors"):
        read_pca(weights)
    np.savez(tmp_path / "pca.npz", pca_eigen_vectors=np.eye(64), pca_means=np.zeros(64))
    with pytest.raises(ForeignWeightsError, match=r"of shape \[128, 128\] but found \[64, 64\]"):
        read_pca(tmp_path / "pca.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "pca.npz").read_bytes()[:1_000])
    with pytest.raises(UnreadableWeightsError, match="no NumPy archive, or one cut short"):
        read_pca(tmp_path / "cut.npz")


@pytest.mark.parametrize("version", (1, 2))
def test_tensorflow_s_checkpoint_is_read(version, tmp_path):
    tf = pytest.importorskip("tensorflow", reason="THE EXTRA `teacher` IS MISSING: no TensorFlow")
    v1, rng, expected = tf.compat.v1, np.random.default_rng(0), {}
    with tf.Graph().as_default(), v1.Session() as session:
        for number, (layer, ours) in enumerate(LAYERS.items()):
            shape = (3, 3, number + 1, number + 2) if "conv" in layer else (number + 3, number + 4)
            weights, biases = rng.normal(size=shape), rng.normal(size=shape[-1])
            v1.get_variable(f"vggish/{layer}/weights", initializer=weights.astype(np.float32))
            v1.get_variable(f"vggish/{layer}/biases", initializer=biases.astype(np.float32))
            # out, in, height, width
            expected[f"{ours}.weight"] = np.moveaxis(weights, (-1, -2), (0, 1))
            expected[f"{ours}.bias"] = biases
        v1.get_variable("global_step", initializer=np.int64(7))
        session.run(v1.global_variables_initializer())
        path = Path(v1.train.Saver(write_version=version).save(session, str(tmp_path / "vggish_model.ckpt")))
    found = read_vggish(path)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-6)
    if version == 1:
        path.write_bytes(path.read_bytes()[:500])
        with pytest.raises(UnreadableWeightsError, match="none, or one cut short"):
            load_expert("vggish", path)


def test_another_network_s_weights_are_refused_by_name(tmp_path):
    path = write(tmp_path, "scene")
    with pytest.raises(
        ForeignWeightsError, match=r"expected the weights of inst .* found those of scene: missing"
    ):
        load_expert("inst", path)
    torch.save({"layer.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(ForeignWeightsError, match="found those of another network"):
        load_expert("vggsound", tmp_path / "other.pth")


def test_model_i_of_vggsound_is_refused_as_what_it_is(tmp_path):
    def pool_by_netvlad(state):
        del state["fc.weight"], state["fc.bias"]
        state |= {
            "avgpool.centroids": torch.zeros(16, 512), "avgpool.conv.weight": torch.zeros(16, 512, 1, 1),
            "avgpool.conv.bias": torch.zeros(16), "fc_.weight": torch.zeros(309, 8192),
            "fc_.bias": torch.zeros(309),
        }  # fmt: skip

    with pytest.raises(ForeignWeightsError, match=r"model I \(NetVLAD pooling\), where .* are of model H"):
        load_expert("vggsound", write(tmp_path, "vggsound", pool_by_netvlad))


def test_the_other_clip_length_s_weights_are_refused(tmp_path):
    path = write(tmp_path, "r2p1d")
    with pytest.raises(ForeignWeightsError, match=r"32 frames \(359 classes\) but found those for 8 \(487"):
        load_expert("r2p1d", path, frames=32)


def test_r2p1d_weights_tuned_on_kinetics_fit_either_clip_length(tmp_path):
    def tune(state):
        state["fc.weight"], state["fc.bias"] = torch.zeros(400, 512), torch.zeros(400)

    path = write(tmp_path, "r2p1d", tune)
    for frames in (8, 32):
        assert load_expert("r2p1d", path, frames=frames).frames_per_window == frames


def test_missing_and_misshapen_tensors_are_named(tmp_path):
    def harm(state):
        del state["bn1.bias"]
        state["conv1.weight"] = torch.zeros(64, 3, 7, 7)

    with pytest.raises(ForeignWeightsError) as refusal:
        load_expert("vggsound", write(tmp_path, "vggsound", harm))
    message = str(refusal.value)
    assert "missing: bn1.bias" in message
    assert "conv1.weight is [64, 3, 7, 7] instead of [64, 1, 7, 7]" in message


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    def spoil(state):
        state["fc.bias"] = torch.full((309,), float("nan"))

    with pytest.raises(ForeignWeightsError, match=r"found others in fc\.bias"):
        load_expert("vggsound", write(tmp_path, "vggsound", spoil))


@pytest.mark.parametrize("new", (True, False))
def test_a_file_cut_short_is_refused(new, tmp_path):
    path = write(tmp_path, "vggsound", _use_new_zipfile_serialization=new)
    path.write_bytes(path.read_bytes()[:-5_000])
    with pytest.raises(
        UnreadableWeightsError, match="expected weights, but it is no torch file, or one cut short"
    ):
        load_expert("vggsound", path)


def test_a_file_that_would_run_something_is_refused_and_does_not(tmp_path):
    class Surprise:
        def __reduce__(self):
            return Path.touch, (tmp_path / "was-here",)

    torch.save({"fc.bias": torch.zeros(3), "surprise": Surprise()}, tmp_path / "crafted.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Surprise(), protocol=2))
    for name in ("crafted.pth", "plain.pth"):
        with pytest.raises(UnreadableWeightsError, match="which is more than data"):
            load_expert("vggsound", tmp_path / name)
    assert not (tmp_path / "was-here").exists()


def test_a_hash_in_the_name_has_to_be_the_file_s(tmp_path):
    path = write(tmp_path, "vggsound", file="net-3e41cc8a.pth")
    found = file_hashes(path, {"sha256"})["sha256"]
    with pytest.raises(MismatchError, match=f"should have SHA256 starting with 3e41cc8a but has {found}"):
        load_expert("vggsound", path)
    right = path.rename(tmp_path / f"net-{found[:8]}.pth")
    assert load_expert("vggsound", right).name == "vggsound"


def test_no_file_and_no_weights_are_told_apart(tmp_path):
    with pytest.raises(UnreadableWeightsError, match="no such file"):
        load_expert("scene", tmp_path / "nowhere.pth")
    (tmp_path / "noise.pth").write_bytes(b"\xff\xfe noise")
    with pytest.raises(UnreadableWeightsError, match=r"cut short \(Unsupported operand 255\)"):
        load_expert("scene", tmp_path / "noise.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(UnreadableWeightsError, match="expected tensors by name but found a list"):
        load_expert("scene", tmp_path / "list.pth")
