"""Features of whole clips, as the paper's models take them: from a waveform, or from a stream of frames.

VGGish hears a clip example by example, so long clips pass in batches. VGGSound's spectrogram is normalised
over the whole clip, which therefore passes in one piece (reference facts 5.1 to 5.3).
"""

from collections.abc import Iterable

import numpy as np
import torch

from earshot_training.errors import MendableError
from earshot_training.experts.expert import AudioExpert, VisualExpert
from earshot_training.experts.vggish import VGGish
from earshot_training.experts.vggsound import VGGSound, frame_count
from earshot_training.experts.windows import FrameWindows

BATCH = 16  # windows at a time
TILES, TILED_SAMPLES = 10, 160_000  # how the VGGSound network's own test loader makes every clip 10 s long
VARIANTS = ("quantised", "relu", "pre-activation")


class ClipError(MendableError, ValueError):
    """A clip is not what an expert takes."""


def audio_tokens(expert: AudioExpert, waveform: np.ndarray, tile: bool = False) -> np.ndarray:
    """A whole clip's features [tokens, dim], float32. `waveform` [n]: mono, 16 kHz, in [-1, 1].

    VGGish: a token for every whole 0.96 s; VGGSound: ceil(T / 32) tokens of the clip at its own length or,
    with `tile`, of the clip repeated 10 times and cut to 10 s. A clip too short to be heard (0.975 s for
    VGGish, 0.032 s for VGGSound) gives no token. Raises ClipError for another shape, or values not
    finite.
    """
    if waveform.ndim != 1:
        raise ClipError(f"expected a waveform of one dimension but found shape {list(waveform.shape)}")
    waveform = waveform.astype(np.float32)
    if not np.isfinite(waveform).all():
        raise ClipError("expected a waveform of finite numbers but found others")
    if isinstance(expert, VGGish):
        return _vggish_tokens(expert, waveform)
    assert isinstance(expert, VGGSound)
    return _vggsound_tokens(expert, waveform, tile)


class FrameAverage:
    """The mean feature vector of a stream of frames, which arrives in pieces and is never kept whole. Windows
    start every `hop_frames` frames; how the stream's end is dealt with, `FrameWindows` says."""

    def __init__(self, expert: VisualExpert, batch: int = BATCH):
        self.expert, self.batch = expert, batch
        self.frame_shape = (expert.frame_size, expert.frame_size, 3)
        self.windows = FrameWindows(expert.frames_per_window, expert.hop_frames)
        self.waiting: list[np.ndarray] = []  # windows [frames, S, S, 3]
        self.sum = np.zeros(expert.facts.dim)
        self.tokens = 0

    def add(self, frames: np.ndarray) -> None:
        """The next frames: uint8 [k, S, S, 3], RGB. Raises ClipError for another shape or type."""
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != self.frame_shape:
            raise ClipError(
                f"{self.expert.name}: expected frames uint8 [k, {', '.join(map(str, self.frame_shape))}] but"
                f" found {frames.dtype} {list(frames.shape)}"
            )
        for frame in frames:
            window = self.windows.add(frame)
            if window is not None:
                self._take(window)

    def result(self) -> np.ndarray | None:
        """Ends the stream. The mean [dim], float32; None if there was no frame."""
        for window in self.windows.finish():
            self._take(window)
        self._flush()
        return (self.sum / self.tokens).astype(np.float32) if self.tokens else None

    def _take(self, window: np.ndarray) -> None:
        self.waiting.append(window)
        if len(self.waiting) == self.batch:
            self._flush()

    def _flush(self) -> None:
        if not self.waiting:
            return
        with torch.no_grad():
            tokens = self.expert(torch.from_numpy(np.stack(self.waiting)).to(_device(self.expert)))
        self.waiting = []
        tokens = tokens.flatten(0, 1).double().cpu().numpy()
        self.sum += tokens.sum(axis=0)
        self.tokens += len(tokens)


def vggish_variant(features: Iterable[np.ndarray]) -> str:
    """Which VGGish some clips' features [tokens, 128] are of: "quantised", "relu" or "pre-activation".

    Whole numbers from 0 to 255 are quantised; else no negative value means the final ReLU (reference fact
    5.1). Values that are not finite, of missing clips, say nothing. Raises ClipError where no other is left.
    """
    whole = non_negative = True
    largest = -np.inf
    for array in features:
        values = np.asarray(array, dtype=np.float64)
        values = values[np.isfinite(values)]
        if not values.size:
            continue
        largest = max(largest, values.max())
        non_negative &= bool((values >= 0).all())
        whole &= bool((values == np.round(values)).all())
        if not non_negative:
            return "pre-activation"
    if largest == -np.inf:
        raise ClipError("expected VGGish features but found no finite value")
    # Zeros alone are what ReLU leaves of silence, not what quantisation makes of anything.
    return "quantised" if whole and 0 < largest <= 255 else "relu"


def _vggish_tokens(expert: VGGish, waveform: np.ndarray) -> np.ndarray:
    length, hop = expert.window_samples, expert.hop_samples
    if len(waveform) < length:
        return np.zeros((0, expert.facts.dim), np.float32)
    # An example's frames lie inside its own 15,600 samples: windows of those give the same examples.
    windows = np.lib.stride_tricks.sliding_window_view(waveform, length)[::hop]
    tokens = []
    with torch.no_grad():
        for start in range(0, len(windows), BATCH):
            batch = torch.from_numpy(windows[start : start + BATCH].copy()).to(_device(expert))
            tokens.append(expert(batch).flatten(0, 1).cpu().numpy())
    return np.concatenate(tokens)


def _vggsound_tokens(expert: VGGSound, waveform: np.ndarray, tile: bool) -> np.ndarray:
    if tile:
        waveform = np.tile(waveform, TILES)[:TILED_SAMPLES]
    if not frame_count(len(waveform)):
        return np.zeros((0, expert.facts.dim), np.float32)
    with torch.no_grad():
        return expert(torch.from_numpy(waveform)[None].to(_device(expert)))[0].cpu().numpy()


def _device(expert: torch.nn.Module) -> torch.device:
    return next(expert.parameters()).device
