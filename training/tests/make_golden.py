"""Makes the small arrays in tests/golden: `python training/tests/make_golden.py`.

Inputs come from formulas (no recording, nothing learned); outputs from plain NumPy and SciPy in double
precision, written apart from the package, so that a test which compares the two can fail.
"""

from pathlib import Path

import numpy as np
import scipy.signal
from numpy_model import Pooled, compute, made_up_weights, pseudo_random

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


# --- the retrieval model (reference fact 1.3), in plain NumPy ---

EXPERTS = {"still": Pooled(4), "vggish": Pooled(6, 3), "vggsound": Pooled(5, 2, 1)}
TEXT = Pooled(7, 3, 1)
SHARED, CLIPS, CAPTIONS, TOKENS, WORDS = 8, 5, 2, 4, 6


def model(variant: str) -> dict[str, np.ndarray]:
    """Weights, inputs and outputs of a small model; clip 1 lacks the first expert, clip 3 the last two."""
    experts = {"vggish": EXPERTS["vggish"]} if variant == "single" else EXPERTS
    weights = made_up_weights(variant, experts, TEXT, SHARED)
    there = np.ones((CLIPS, len(experts)), np.float32)
    if variant != "single":
        there[1, 0] = there[3, 1:] = 0
    features = {}
    for i, (name, expert) in enumerate(experts.items()):
        f = pseudo_random((CLIPS, TOKENS, expert.dim) if expert.clusters else (CLIPS, expert.dim), 1_000 + i)
        if expert.clusters:
            f[2, TOKENS // 2 :] = 0  # a short clip: zero rows at the end
        f[there[:, i] == 0] = 0
        features[name] = f
    words = pseudo_random((CLIPS, CAPTIONS, WORDS, TEXT.dim), 2_000)
    words[0, 1, 3:] = 0
    result = compute(variant, weights, experts, features, there, words.reshape(-1, WORDS, TEXT.dim))
    arrays = {f"w__{name}": value for name, value in weights.items()}
    arrays |= {"in__text": words, "similarity": result.similarity, "weights": result.weights}
    for i, (name, f) in enumerate(features.items()):
        missing = there[:, i].reshape(-1, *[1] * (f.ndim - 1)) == 0
        arrays |= {
            f"in__feat__{name}": np.where(missing, np.float32("nan"), f),
            f"in__ind__{name}": there[:, i],
        }
        arrays |= {f"clip__{name}": result.clip[i] * there[:, i : i + 1], f"text__{name}": result.text[i]}
    return {name: value.astype(np.float32) for name, value in arrays.items()}


# --- loss, optimiser, metrics (reference facts 2.1, 2.2, 3), one term at a time ---


def loss() -> dict[str, np.ndarray]:
    s, margin = pseudo_random((6, 6), 1), 0.2
    arrays = {"similarity": s}
    for fix_norm in (True, False):
        total, gradient, terms = 0.0, np.zeros((6, 6)), 0
        for i in range(6):
            for j in range(6):
                if i == j and fix_norm:
                    continue
                for a, b in ((i, j), (j, i)):
                    terms += 1
                    if (value := margin + float(s[a, b]) - float(s[i, i])) > 0:
                        total += value
                        gradient[a, b] += 1
                        gradient[i, i] -= 1
        arrays |= {f"loss_{fix_norm}": np.float64(total / terms), f"gradient_{fix_norm}": gradient / terms}
    return arrays


def ranger() -> dict[str, np.ndarray]:
    arrays = {"lrs": 0.01 * 0.95 ** (np.arange(20) // 5)}
    for number, shape in enumerate([(2, 3), (4,)]):
        p = pseudo_random(shape, 10 + number).astype(np.float64)
        gradients = np.stack([pseudo_random(shape, 100 * number + step) for step in range(20)]) ** 3
        m, v, slow, after = np.zeros(shape), np.zeros(shape), p.copy(), []
        arrays |= {f"init{number}": p.astype(np.float32), f"grads{number}": gradients}
        for t, (g, lr) in enumerate(zip(gradients.astype(np.float64), arrays["lrs"], strict=True), start=1):
            v = 0.999 * v + 0.001 * g * g
            m = 0.95 * m + 0.05 * g
            n = 1999 - 2 * t * 0.999**t / (1 - 0.999**t)
            p = p - lr * 1e-3 * p
            if n > 5:
                r = np.sqrt((1 - 0.999**t) * (n - 4) / 1995 * (n - 2) / n * 1999 / 1997) / (1 - 0.95**t)
                p = p - lr * r * m / (np.sqrt(v) + 1e-5)
            else:
                p = p - lr * m / (1 - 0.95**t)
            if t % 6 == 0:
                slow = slow + 0.5 * (p - slow)
                p = slow.copy()
            after.append(p)
        arrays |= {
            f"after{number}": np.stack(after).astype(np.float32),
            f"slow{number}": slow.astype(np.float32),
        }
    return arrays


def metrics() -> dict[str, np.ndarray]:
    clips, captions = 9, 3
    similarity = np.round(pseudo_random((clips * captions, clips), 5) * 4) / 4  # many ties
    exists = pseudo_random((clips, captions), 6) > -0.5
    exists[:, 0] = True

    def rank(own, all_of_them):
        return sum(x > own for x in all_of_them) + (sum(x == own for x in all_of_them) - 1) / 2

    rows = [
        (c, k, similarity[c * captions + k]) for c in range(clips) for k in range(captions) if exists[c, k]
    ]
    return {
        "similarity": similarity,
        "exists": exists,
        "text_to_audio": np.array([rank(row[c], row) for c, _, row in rows]),
        "audio_to_text": np.array(
            [
                min(rank(row[c], [r[c] for _, _, r in rows]) for own, _, row in rows if own == c)
                for c in range(clips)
            ]
        ),
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    cases = {make.__name__: make() for make in (frontend, loss, ranger, metrics)}
    cases |= {f"model-{variant}": model(variant) for variant in ("ce", "moee", "single")}
    for name, arrays in cases.items():
        np.savez_compressed(FOLDER / f"{name}.npz", **arrays)
        print(f"{name}.npz", (FOLDER / f"{name}.npz").stat().st_size, "bytes")
