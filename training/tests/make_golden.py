"""Makes the small arrays in tests/golden: `python training/tests/make_golden.py`.

Inputs come from formulas (no recording, nothing learned); outputs from plain NumPy and SciPy in double
precision, written apart from the package, so that a test which compares the two can fail.
"""

from pathlib import Path

import numpy as np
import scipy.signal

FOLDER = Path(__file__).parent / "golden"


def frontend() -> dict[str, np.ndarray]:
    """A chirp with a burst of pseudo-noise through the two front ends (reference facts 5.1 and 5.2)."""
    time = np.arange(15_600) / 16_000
    noise = (np.arange(15_600) * 2_654_435_761 % 65_536) / 32_768.0 - 1.0
    waveform = 0.6 * np.sin(2 * np.pi * (200 + 3_000 * time) * time) + 0.3 * noise * (time > 0.5)
    waveform = waveform.astype(np.float32)

    frames = np.lib.stride_tricks.sliding_window_view(waveform.astype(np.float64), 400)[::160]
    magnitude = np.abs(np.fft.rfft(frames * scipy.signal.get_window("hann", 400), 512))
    edges = np.linspace(1127 * np.log(1 + 125 / 700), 1127 * np.log(1 + 7500 / 700), 66)
    bins = 1127 * np.log(1 + np.arange(257) * 31.25 / 700)
    bank = np.stack([np.interp(bins, edges[i : i + 3], [0.0, 1.0, 0.0]) for i in range(64)], axis=1)
    log_mel = np.log(magnitude @ bank + 0.01)

    _, _, power = scipy.signal.spectrogram(waveform.astype(np.float64), 16_000, nperseg=512, noverlap=353)
    log_power = np.log(power + 1e-7)
    spectrogram = (log_power - log_power.mean()) / (log_power.std() + 1e-9)
    return {
        "waveform": waveform,
        "log_mel": log_mel[None].astype(np.float32),
        "spectrogram": spectrogram.astype(np.float32),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for make in (frontend,):
        np.savez_compressed(FOLDER / f"{make.__name__}.npz", **make())
        print(f"{make.__name__}.npz", (FOLDER / f"{make.__name__}.npz").stat().st_size, "bytes")
