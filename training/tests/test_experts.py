import numpy as np
import plain_networks
import pytest
import soundfile
import torch
from conftest import golden, golden_arrays, golden_json, needs_shared
from hash_weights import fill_with_hash_weights, hash_values

from earshot_training.experts.build import NETWORKS, build_expert
from earshot_training.experts.catalogue import EXPERTS
from earshot_training.experts.errors import SettingsError
from earshot_training.experts.random_weights import random_expert, randomise

PARAMETERS = {
    "vggish": 72_141_184,
    "vggsound": 11_328_757,
    "inst": 828_411_176,
    "scene": 27_278_285,
    "r2p1d": 63_741_806,
}
# Small pictures, so that the big networks are quick.
SMALL = {"frame_size": 64, "size": 56}


@torch.no_grad()
def features(expert, inputs):
    return expert(inputs)[0].numpy()


def as_double(front_end, frames):
    return front_end(frames.flatten(0, 1)).double()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_has_the_published_number_of_parameters(name):
    network = build_expert(name, device="meta").network
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS[name]


def test_the_32_frame_clips_have_weights_of_their_own():
    network = build_expert("r2p1d", frames=32, device="meta").network
    assert network.fc.weight.shape == (359, 512)
    middle = [network.get_submodule(f"layer{stage}.0.conv2.0.0").out_channels for stage in (2, 3, 4)]
    assert middle == [288, 576, 1152]
    assert {module.eps for module in network.modules() if isinstance(module, torch.nn.BatchNorm3d)} == {1e-3}


@pytest.fixture(scope="module")
def vggish():
    return random_expert("vggish", 1)


def test_vggish_equals_a_plain_computation_with_the_published_names(vggish):
    weights = plain_networks.Weights(vggish.network.state_dict())
    waveform = vggish.example(1)
    expected = plain_networks.vggish(weights, vggish.front_end(waveform)[0].double())
    np.testing.assert_allclose(features(vggish, waveform), expected.numpy(), atol=1e-4)
    assert not weights.unused


def test_vggsound_equals_a_plain_computation_with_the_published_names():
    expert = random_expert("vggsound", 1, window_samples=20_000)
    weights = plain_networks.Weights(expert.network.state_dict())
    waveform = expert.example(1)
    maps = plain_networks.resnet(weights, expert.front_end(waveform)[:, None].double(), (2, 2, 2, 2))
    expected = maps[0].mean(dim=1).T  # over frequency only
    assert expected.shape == (4, 512)
    np.testing.assert_allclose(features(expert, waveform), expected.numpy(), atol=1e-4)
    assert weights.unused == {"fc.weight", "fc.bias"}


def test_inst_equals_a_plain_computation_with_the_published_names():
    expert = random_expert("inst", 1, group_width=2, **SMALL)
    weights = plain_networks.Weights(expert.network.state_dict())
    frames = expert.example(1)
    maps = plain_networks.resnet(weights, as_double(expert.front_end, frames), (3, 4, 23, 3), groups=32)
    np.testing.assert_allclose(features(expert, frames), maps.mean(dim=(2, 3)).numpy(), atol=1e-4)
    assert weights.unused == {"fc.weight", "fc.bias"}


def test_scene_equals_a_plain_computation_with_the_published_names():
    expert = random_expert("scene", 1, frame_size=128, size=112)
    weights = plain_networks.Weights(expert.network.state_dict())
    frames = expert.example(1)
    expected = plain_networks.densenet161(weights, as_double(expert.front_end, frames))
    np.testing.assert_allclose(features(expert, frames), expected.numpy(), atol=1e-4)
    assert weights.unused == {"classifier.weight", "classifier.bias"}


def test_r2p1d_equals_a_plain_computation_with_the_published_names():
    expert = random_expert("r2p1d", 1, frame_size=64, size=28)
    weights = plain_networks.Weights(expert.network.state_dict())
    frames = expert.example(1)
    clip = as_double(expert.front_end, frames).transpose(0, 1)[None]
    np.testing.assert_allclose(
        features(expert, frames), plain_networks.r2plus1d34(weights, clip).numpy(), atol=1e-4
    )
    assert weights.unused == {"fc.weight", "fc.bias"}


def test_pictures_are_cropped_scaled_and_normalised_inside():
    front_end = build_expert("r2p1d", device="meta").front_end
    frames = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), dtype=np.uint8)
    square = frames[0, 16:240, 16:240].astype(np.float64)
    halved = square.reshape(112, 2, 112, 2, 3).mean(axis=(1, 3)) / 255
    expected = (halved - (0.43216, 0.394666, 0.37645)) / (0.22803, 0.22145, 0.216989)
    actual = front_end(torch.from_numpy(frames))[0].permute(1, 2, 0)
    np.testing.assert_allclose(actual.numpy(), expected, atol=1e-5)

    pictures = build_expert("inst", device="meta").front_end(torch.from_numpy(frames))[0].permute(1, 2, 0)
    expected = (square / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    np.testing.assert_allclose(pictures.numpy(), expected, atol=1e-5)


def test_every_frame_of_a_picture_expert_is_looked_at_by_itself():
    expert = random_expert("inst", 1, group_width=2, **SMALL)
    frames = expert.example(3)  # [3, 1, ...]
    together = features(expert, frames.transpose(0, 1))
    assert together.shape == (3, 2048)
    for number in range(3):
        np.testing.assert_allclose(
            together[number], features(expert, frames[number : number + 1])[0], atol=1e-5
        )


def test_vggish_settings_follow_one_another(vggish):
    waveform = vggish.example(1)
    before = features(vggish, waveform)
    assert (before < 0).any()

    def with_settings(state, **settings):
        expert = build_expert("vggish", device="meta", **settings)
        expert.network.load_state_dict(state, strict=True, assign=True)
        return features(expert, waveform)

    state = vggish.network.state_dict()
    np.testing.assert_array_equal(with_settings(state, relu=True), np.maximum(before, 0))
    rng = np.random.default_rng(0)
    vectors, means = rng.normal(0, 0.05, (128, 128)), rng.normal(0, 1, (128, 1))
    state["pproc.pca_eigen_vectors"] = torch.from_numpy(vectors).float()
    state["pproc.pca_means"] = torch.from_numpy(means).float()
    whitened = (vectors @ (before.T - means)).T
    np.testing.assert_allclose(with_settings(state, pca=True), whitened, atol=1e-4)
    rectified = (vectors @ (np.maximum(before, 0).T - means)).T
    expected = np.round((np.clip(rectified, -2, 2) + 2) * 255 / 4)
    quantised = with_settings(state, relu=True, pca=True, quantise=True)
    assert np.abs(quantised - expected).max() <= 1 and (quantised != expected).mean() < 0.02


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("vggish", {"window_samples": 5}, "vggish has no setting window_samples; it has relu, pca, quantise"),
        ("vggish", {"quantise": True}, "quantise=True needs pca=True"),
        ("vggsound", {"window_samples": 511}, "window_samples of 512 or more .* found 511 and 76800"),
        ("inst", {"frame_size": 100}, "multiple of 256, but found 100"),
        ("scene", {"frames_per_second": 0}, "frames_per_second above 0 .* found 0 and 1"),
        ("r2p1d", {"frames": 16}, "frames of 8 or 32, but found 16"),
        ("vggsound", {"window_samples": "long"}, "vggsound: a setting is of the wrong kind"),
        ("speech", {}, "'speech' is made of a transcript's words"),
        ("yamnet", {}, "expected an expert of vggish, vggsound, inst, scene, r2p1d; 'yamnet' is unknown"),
    ],
)
def test_settings_that_do_not_fit_are_refused(name, settings, message):
    with pytest.raises(SettingsError, match=message):
        build_expert(name, **settings)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_expert_gives_what_the_catalogue_says(name):
    narrow = {"inst": {"group_width": 2, **SMALL}, "scene": SMALL, "r2p1d": {"frame_size": 64, "size": 28},
              "vggsound": {"window_samples": 6_000}}  # fmt: skip
    expert = build_expert(name, device="meta", **narrow.get(name, {})).to("meta")
    output = expert(expert.example(2).to("meta"))
    assert output.shape == (2, expert.tokens_per_window, EXPERTS[name].dim)


def test_made_up_weights_are_repeatable():
    first, second = (random_expert("vggsound", 3, window_samples=6_000) for _ in range(2))
    waveform = first.example(1)
    np.testing.assert_array_equal(features(first, waveform), features(second, waveform))
    assert 0.1 < features(first, waveform).std() < 10
    assert np.abs(features(randomise(second, 4), waveform) - features(first, waveform)).max() > 0.1


def test_hash_weights_are_the_formula_s():
    expected = [0.8621930913068354, -0.01134835323318839, 0.6768781766295433, -0.2732120999135077]
    values = hash_values(1_000_001, 7003)
    np.testing.assert_array_equal([*values[:4], values[-1]], [*expected, -0.7493184404447675])


def read_mono(wave):
    samples, _ = soundfile.read(golden(f"audio/wav/{wave}.wav"), always_2d=True)
    return samples.mean(axis=1).astype(np.float32)


def key_list(network):
    return [
        [key, list(tensor.shape), str(tensor.dtype).removeprefix("torch.")]
        for key, tensor in network.state_dict().items()
    ]


@needs_shared
def test_vggish_equals_the_port_with_hash_weights():
    arrays, facts = golden_arrays("audio/vggish.npz"), golden_json("audio/vggish.json")
    expert = build_expert("vggish", relu=True, pca=True, quantise=True)
    assert key_list(expert.network) == facts["state_dict_keys_of_port_with_postprocessor"]
    fill_with_hash_weights(expert.network, facts["hash_seed"])
    for wave in (wave["id"] for wave in facts["waves"]):
        waveform = torch.from_numpy(read_mono(wave))[None]
        with torch.no_grad():
            before = expert.network(expert.front_end(waveform)[0][:, None]).numpy()
            # relu, PCA and quantisation in the order that `embed` has them
            after = expert(waveform)[0].numpy()
        for name, actual in (("preactivation", before), ("embedding", np.maximum(before, 0))):
            expected = arrays[f"{wave}__{name}_hashweights"]
            assert np.abs(actual - expected).max() <= 1e-3 * np.abs(expected).max(), (wave, name)
        expected = arrays[f"{wave}__postprocessed_hashweights"]
        assert np.abs(after - expected).max() <= 1 and (after != expected).mean() < 0.02, wave


@needs_shared
def test_vggsound_equals_the_reference_with_hash_weights():
    arrays, facts = golden_arrays("audio/vggsound.npz"), golden_json("audio/vggsound.json")
    expert = build_expert("vggsound")
    assert key_list(expert.network) == facts["state_dict_keys_avgpool"]
    fill_with_hash_weights(expert.network, facts["hash_seed"])
    for wave in (wave["id"] for wave in facts["waves"]):
        samples = read_mono(wave)
        tiled = torch.from_numpy(np.tile(samples, 10)[:160_000])[None]
        with torch.no_grad():
            found = {
                "features": expert(tiled)[0],
                "logits": expert.scores(tiled)[0],
                "features_untiled": expert(torch.from_numpy(samples)[None])[0],
            }
        for name, actual in found.items():
            expected = arrays[f"{wave}__{name}_hashweights"]
            assert actual.shape == expected.shape
            assert np.abs(actual.numpy() - expected).max() <= 1e-4 * np.abs(expected).max(), (wave, name)
