import numpy as np
import pytest
import torch

from earshot_training.experts import extract
from earshot_training.experts.extract import ClipError, FrameAverage, audio_tokens, vggish_variant
from earshot_training.experts.random_weights import random_expert
from earshot_training.experts.vggsound import token_count


@pytest.fixture(scope="module")
def vggsound():
    return random_expert("vggsound", 0, window_samples=6_000)


@pytest.fixture(scope="module")
def vggish():
    return random_expert("vggish", 0)


def wave(samples):
    return 0.2 * np.random.default_rng(0).standard_normal(samples).astype(np.float32)


def test_vggish_hears_a_clip_example_by_example(vggish, monkeypatch):
    monkeypatch.setattr(extract, "BATCH", 2)
    clip = wave(15_600 + 2 * 15_360 + 15_000)  # the last example is not whole
    with torch.no_grad():
        expected = vggish(torch.from_numpy(clip)[None])[0].numpy()
    tokens = audio_tokens(vggish, clip)
    assert tokens.shape == (3, 128) and tokens.dtype == np.float32
    np.testing.assert_allclose(tokens, expected, atol=1e-4)
    assert audio_tokens(vggish, clip[:15_599]).shape == (0, 128)


def test_vggsound_hears_a_clip_at_its_own_length_or_tiled(vggsound):
    clip = wave(20_000)
    own, tiled = audio_tokens(vggsound, clip), audio_tokens(vggsound, clip, tile=True)
    assert own.shape == (4, 512) and tiled.shape == (32, 512)
    repeated = np.concatenate([clip] * 8)  # 160,000 samples
    np.testing.assert_allclose(tiled, audio_tokens(vggsound, repeated), atol=1e-5)
    assert audio_tokens(vggsound, clip[:8_000], tile=True).shape == (token_count(80_000), 512)  # under 1 s
    assert audio_tokens(vggsound, clip[:511]).shape == (0, 512)


def test_the_number_of_tokens_is_the_paper_s():
    assert [token_count(seconds * 16_000) for seconds in (10, 15, 30)] == [32, 48, 95]


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (np.zeros((2, 16_000)), r"one dimension but found shape \[2, 16000\]"),
        (np.full(16_000, np.nan), "finite numbers"),
    ],
)
def test_what_is_no_waveform_is_refused(vggsound, clip, message):
    with pytest.raises(ClipError, match=message):
        audio_tokens(vggsound, clip)


class Brightness(torch.nn.Module):
    """In place of a visual expert's network: a window's tokens are its frames' first values."""

    name, frame_size = "inst", 2

    def __init__(self, frames_per_window, hop_frames):
        super().__init__()
        self.facts = type("Facts", (), {"dim": 1})
        self.frames_per_window, self.hop_frames = frames_per_window, hop_frames
        self.seen = []
        self.parameter = torch.nn.Parameter(torch.zeros(1))

    def forward(self, windows):
        self.seen += windows[:, :, 0, 0, 0].tolist()
        return windows[:, :, 0, 0, 0].float().mean(dim=1)[:, None, None]


def frames(count):
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 2, 2, 3))


@pytest.mark.parametrize(
    ("length", "hop", "count", "windows"),
    [
        (1, 1, 3, [[0], [1], [2]]),
        (1, 2, 5, [[0], [2], [4]]),
        (4, 4, 10, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 9, 9]]),  # half of the last one is real
        (4, 4, 9, [[0, 1, 2, 3], [4, 5, 6, 7]]),  # a quarter is not enough
        (4, 4, 1, [[0, 0, 0, 0]]),  # except for the first
        (2, 5, 12, [[0, 1], [5, 6], [10, 11]]),
        (2, 5, 11, [[0, 1], [5, 6], [10, 10]]),
        (4, 2, 7, [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 6]]),
    ],
)
def test_windows_of_a_stream_start_every_hop_and_repeat_the_last_frame(length, hop, count, windows):
    for piece in (1, 3, count):
        expert = Brightness(length, hop)
        average = FrameAverage(expert, batch=2)
        for start in range(0, count, piece):
            average.add(frames(count)[start : start + piece])
        assert average.result() == pytest.approx(np.mean([np.mean(window) for window in windows]))
        assert expert.seen == windows


def test_a_stream_s_average_is_that_of_its_windows():
    expert = random_expert("r2p1d", 0, frame_size=64, size=28, hop_frames=8)
    windows = expert.example(2)
    average = FrameAverage(expert)
    average.add(windows.flatten(0, 1).numpy())
    with torch.no_grad():
        expected = expert(windows).mean(dim=(0, 1)).numpy()
    np.testing.assert_allclose(average.result(), expected, atol=1e-5)


def test_no_frame_gives_no_vector_and_wrong_ones_are_refused():
    expert = Brightness(1, 1)
    assert FrameAverage(expert).result() is None
    for wrong in (np.zeros((1, 2, 2, 3)), np.zeros((1, 4, 2, 3), np.uint8), np.zeros((2, 2, 3), np.uint8)):
        with pytest.raises(ClipError, match=r"expected frames uint8 \[k, 2, 2, 3\] but found"):
            FrameAverage(expert).add(wrong)


def test_the_kind_of_vggish_features_shows(vggish):
    plain = [audio_tokens(vggish, wave(31_000)), audio_tokens(vggish, wave(16_000))]
    missing = np.full((1, 128), np.nan)
    assert vggish_variant(plain) == "pre-activation"
    assert vggish_variant([missing, *(np.maximum(tokens, 0) for tokens in plain)]) == "relu"
    assert vggish_variant([np.zeros((1, 128)), *plain[:1]]) == "pre-activation"
    assert vggish_variant([np.float16([[0, 255, 3]]), missing]) == "quantised"
    assert vggish_variant([np.float32([[0, 256, 3]])]) == "relu"
    assert vggish_variant([np.zeros((2, 128))]) == "relu"
    with pytest.raises(ClipError, match="no finite value"):
        vggish_variant([missing])
