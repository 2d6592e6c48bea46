import numpy as np
import pytest
import scipy.signal
import soundfile
import torch
from conftest import committed_arrays, golden, golden_arrays, needs_shared

from earshot_training.frontend import VGGishLogMel, VGGSoundSpectrogram, mel_filters

# Single precision loses a few 1e-5 where a quiet mel band lies beside a loud one, so the formulas are
# checked in double.
FORMULA, SINGLE = 1e-5, 2e-4

VGGISH_WAVES = ("torchvggish-test", "smoke-1khz-16k-3s", "sine-16k-3s", "chirp-16k-2.5s", "bursts-16k-4s",
                "silence-16k-1s", "bursts-stereo-16k-2s")  # fmt: skip
VGGSOUND_WAVES = ("vggsound-example", "bursts-16k-4s", "silence-16k-1s")


def read_mono(wave: str) -> np.ndarray:
    samples, _ = soundfile.read(golden(f"audio/wav/{wave}.wav"), dtype="float64", always_2d=True)
    return samples.mean(axis=1)


def run(front_end: type, samples: np.ndarray, dtype: torch.dtype) -> np.ndarray:
    return front_end(dtype)(torch.from_numpy(samples).to(dtype)[None])[0].numpy()


@needs_shared
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, FORMULA), (torch.float32, SINGLE)])
@pytest.mark.parametrize("wave", VGGISH_WAVES)
def test_log_mel_equals_the_reference_port(wave, dtype, tolerance):
    expected = golden_arrays("audio/vggish.npz")[f"{wave}__examples"][:, 0]
    actual = run(VGGishLogMel, read_mono(wave), dtype)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, atol=tolerance, rtol=0)


@needs_shared
def test_log_mel_frames_and_filters_equal_the_reference_port():
    arrays = golden_arrays("audio/vggish.npz")
    np.testing.assert_allclose(mel_filters(), arrays["mel_matrix"].T, atol=1e-12)
    frames = VGGishLogMel(torch.float64).frames(torch.from_numpy(read_mono("torchvggish-test"))[None])[0]
    np.testing.assert_allclose(frames.numpy(), arrays["first_wave_log_mel_frames"], atol=1e-9)


@needs_shared
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, FORMULA), (torch.float32, SINGLE)])
@pytest.mark.parametrize("wave", VGGSOUND_WAVES)
def test_spectrogram_equals_the_reference_loader(wave, dtype, tolerance):
    expected = golden_arrays("audio/vggsound.npz")[f"{wave}__spectrogram"]
    actual = run(VGGSoundSpectrogram, np.tile(read_mono(wave), 10)[:160_000], dtype)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, atol=tolerance, rtol=0)


def test_front_ends_keep_giving_the_committed_numbers():
    arrays = committed_arrays("frontend")
    for front_end, name in ((VGGishLogMel, "log_mel"), (VGGSoundSpectrogram, "spectrogram")):
        actual = run(front_end, arrays["waveform"].astype(np.float64), torch.float64)
        np.testing.assert_allclose(actual, arrays[name], atol=1e-5)


def test_spectrogram_equals_scipy():
    samples = np.random.default_rng(0).normal(0.0, 0.5, 6_000)  # some samples lie outside [-1, 1]
    _, _, power = scipy.signal.spectrogram(np.clip(samples, -1, 1), 16_000, nperseg=512, noverlap=353)
    log_power = np.log(power + 1e-7)
    expected = (log_power - log_power.mean()) / (log_power.std() + 1e-9)
    np.testing.assert_allclose(run(VGGSoundSpectrogram, samples, torch.float64), expected, atol=1e-9)


def test_log_mel_equals_a_plain_fourier_transform():
    samples = np.random.default_rng(0).normal(0.0, 0.3, 15_600)
    frames = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160]
    hann = scipy.signal.get_window("hann", 400)
    expected = np.log(np.abs(np.fft.rfft(frames * hann, 512)) @ mel_filters().T + 0.01)
    np.testing.assert_allclose(run(VGGishLogMel, samples, torch.float64)[0], expected, atol=1e-9)


def test_silence_is_the_floor_in_log_mel_and_zero_in_the_spectrogram():
    silence = np.zeros(15_600)
    np.testing.assert_allclose(run(VGGishLogMel, silence, torch.float32), np.log(0.01), atol=1e-6)
    np.testing.assert_array_equal(run(VGGSoundSpectrogram, silence, torch.float32), 0.0)


def test_shapes_follow_the_window():
    assert VGGishLogMel()(torch.zeros(2, 15_600)).shape == (2, 1, 96, 64)
    assert VGGishLogMel()(torch.zeros(2, 15_599)).shape == (2, 0, 96, 64)
    assert VGGishLogMel()(torch.zeros(2, 61_440)).shape == (2, 3, 96, 64)
    assert VGGSoundSpectrogram()(torch.zeros(2, 30_893)).shape == (2, 257, 192)


def test_kernels_stay_out_of_the_state_dict():
    assert not VGGishLogMel().state_dict() and not VGGSoundSpectrogram().state_dict()
