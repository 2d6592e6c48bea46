import pytest
import torch

from earshot_training.frontend import VGGishLogMel, VGGSoundSpectrogram
from earshot_training.starter.spectra import FastLogMel, FastSpectrogram


def noise_with_a_tone(samples):
    time = torch.arange(samples) / 16_000
    return 0.05 * torch.randn(3, samples) + torch.tensor([[0.0], [0.3], [0.9]]) * torch.sin(2_000 * time)


@pytest.mark.parametrize("make_wave", (noise_with_a_tone, lambda samples: torch.zeros(1, samples)))
def test_the_fast_front_ends_of_training_equal_the_exported_ones(make_wave):
    wave = make_wave(15_600)
    torch.testing.assert_close(FastLogMel()(wave), VGGishLogMel()(wave)[:, 0], atol=2e-4, rtol=0)
    wave = make_wave(30_893)
    torch.testing.assert_close(FastSpectrogram()(wave), VGGSoundSpectrogram()(wave), atol=2e-4, rtol=0)
