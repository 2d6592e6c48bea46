import numpy as np
import pytest
import torch
from small_starter import CONFIG, noise
from torch import nn

from earshot_training.onnx_export import open_session
from earshot_training.pack import export_expert
from earshot_training.starter.config import EXPERTS
from earshot_training.starter.experts import Heads
from earshot_training.starter.export import WaveformExpert, fold_batch_norms
from earshot_training.starter.train_experts import cut_windows, expert_tokens, front_end, make_expert

INPUTS = {"vggish": (96, 64), "vggsound": (257, 192)}
TOKENS = {"vggish": (1, 12), "vggsound": (6, 32)}  # per window: tokens, and their size in the small networks


def trained_looking(name):
    """An expert whose batch norms have statistics as after training, so that folding them wrongly shows."""
    network = make_expert(name, CONFIG)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(std=0.3)
            part.running_var.uniform_(0.5, 2.0)
            nn.init.uniform_(part.weight, 0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize("name", EXPERTS)
@torch.no_grad()
def test_an_expert_gives_its_tokens_for_each_window(name):
    network = trained_looking(name)
    assert network(torch.randn(3, *INPUTS[name])).shape == (3, *TOKENS[name])
    assert network.dim == TOKENS[name][1]


@pytest.mark.parametrize("name", EXPERTS)
@torch.no_grad()
def test_a_scene_is_cut_into_the_windows_of_a_segment(name):
    window, hop = CONFIG.windows(name)
    waves = torch.arange(2 * CONFIG.scene_samples, dtype=torch.float32).reshape(2, -1)
    windows = cut_windows(waves, name, CONFIG)
    count = CONFIG.segment // hop
    assert windows.shape == (2 * count, window)
    assert windows[:count, 0].tolist() == [i * hop for i in range(count)]
    assert windows[count, 0] == CONFIG.scene_samples


@pytest.mark.parametrize("name", EXPERTS)
@torch.no_grad()
def test_the_tokens_of_scenes_do_not_depend_on_the_batch(name):
    network = trained_looking(name)
    waves = np.stack([noise(CONFIG.scene_samples, seed) for seed in range(3)])
    found = expert_tokens(network, name, waves, CONFIG, batch=2)
    windows = CONFIG.segment // CONFIG.windows(name)[1]
    assert found.shape == (3, windows * TOKENS[name][0], TOKENS[name][1])
    torch.testing.assert_close(found[2], expert_tokens(network, name, waves[2:], CONFIG)[0])


def test_the_heads_answer_for_each_window_and_each_scene():
    heads = Heads(12, kinds=5, classes=7, features=9)
    classes, features, kinds = heads(torch.randn(2, 8, 12), windows=4)
    assert (classes.shape, features.shape, kinds.shape) == ((2, 4, 7), (2, 4, 9), (2, 5))


@pytest.mark.parametrize("name", EXPERTS)
@torch.no_grad()
def test_folding_batch_norms_leaves_the_function_as_it_was(name):
    network = trained_looking(name)
    folded = fold_batch_norms(network)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in folded.modules())
    assert any(isinstance(part, nn.BatchNorm2d) for part in network.modules())
    spectra = torch.randn(4, *INPUTS[name])
    torch.testing.assert_close(folded(spectra), network(spectra), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", EXPERTS)
@torch.no_grad()
def test_the_exported_expert_hears_what_the_trained_one_does(name, tmp_path):
    """From sound to tokens: fast front end and batch norms of training against the exported graph."""
    network = trained_looking(name)
    window, _ = CONFIG.windows(name)
    assert export_expert(WaveformExpert(name, network), tmp_path / "expert.onnx", window) < 1e-4
    session = open_session(tmp_path / "expert.onnx")
    waves = np.stack([noise(window) / np.float32(32768), np.zeros(window, np.float32)])
    (actual,) = session.run(["features"], {"waveform": waves})
    expected = network(front_end(name)(torch.from_numpy(waves)))
    # Large weights are stored in half precision.
    np.testing.assert_allclose(actual, expected, atol=5e-3)
    assert np.isfinite(actual).all()
