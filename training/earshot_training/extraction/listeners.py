"""Experts at work on whole clips: networks with public weights (PyTorch), or exported ones (ONNX Runtime).

With PyTorch an audio expert hears a clip as a whole, as the paper's features were made (reference facts 5.1
and 5.2): VGGish every whole example, VGGSound the clip at its own length. An ONNX file has windows of a
fixed length and hears a clip as the runtime does (docs/model-packs.md).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from earshot_training.experts.expert import AudioExpert, VisualExpert
from earshot_training.experts.extract import FrameAverage, audio_tokens
from earshot_training.experts.windows import FrameWindows
from earshot_training.sounds import as_float
from earshot_training.starter.segments import window_count

BATCH = 32  # windows that a network is given at once

Network = Callable[[np.ndarray], np.ndarray]  # windows [B, ...] -> features [B, tokens, dim]


class Listener(ABC):
    """One expert. `dim`: width of its features. `identity`: JSON that tells two different experts apart."""

    modality: str

    def __init__(self, name: str, aggregation: str, dim: int, identity: dict[str, Any]):
        self.name, self.aggregation, self.dim, self.identity = name, aggregation, dim, identity

    def aggregate(self, tokens: np.ndarray) -> np.ndarray | None:
        """All tokens of a clip [tokens, dim] -> these, or their mean [dim]; None where there are none."""
        if not len(tokens):
            return None
        if self.aggregation == "average":
            return tokens.mean(axis=0, dtype=np.float64).astype(np.float32)
        return tokens


class AudioListener(Listener):
    """Hears 16 kHz mono samples."""

    modality = "audio"

    @abstractmethod
    def tokens(self, samples: np.ndarray) -> np.ndarray:
        """int16 samples [n] -> [tokens, dim]; no tokens where the clip is too short to be heard."""

    def hear(self, samples: np.ndarray) -> np.ndarray | None:
        """A clip's features, None where it is too short."""
        return self.aggregate(self.tokens(samples))


class WindowedListener(AudioListener):
    """Hears windows of `window` samples, one every `hop`; the last is filled with zeros."""

    def __init__(self, network: Network, window: int, hop: int, **facts: Any):
        super().__init__(**facts)
        self.network, self.window, self.hop = network, window, hop

    def tokens(self, samples: np.ndarray) -> np.ndarray:
        count = window_count(len(samples), self.hop)
        padded = np.zeros(max(len(samples), (count - 1) * self.hop + self.window), np.float32)
        padded[: len(samples)] = as_float(samples)
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.window)[:: self.hop][:count]
        parts = [self.network(windows[i : i + BATCH]) for i in range(0, count, BATCH)]
        return np.concatenate(parts).reshape(-1, self.dim) if parts else np.zeros((0, self.dim), np.float32)


class WholeClipListener(AudioListener):
    """Hears a clip as a whole by a PyTorch module."""

    def __init__(self, expert: AudioExpert, **facts: Any):
        super().__init__(**facts)
        self.expert = expert

    def tokens(self, samples: np.ndarray) -> np.ndarray:
        return audio_tokens(self.expert, as_float(samples))


class Look(Protocol):
    """One clip, as a visual expert sees it frame by frame."""

    def add(self, frame: np.ndarray) -> None:
        """Takes the next frame, uint8 [height, width, 3]."""
        ...

    def result(self) -> np.ndarray | None:
        """Ends the clip. Its features, None where there was no frame."""
        ...


class VisualListener(Listener):
    """Looks at a stream of frames of a constant rate. `rate`: frames a second."""

    modality = "visual"

    def __init__(self, rate: float, width: int, height: int, **facts: Any):
        super().__init__(**facts)
        self.rate, self.width, self.height = rate, width, height

    @property
    def stream(self) -> tuple[float, int, int]:
        """Frames a second, width and height: experts that agree in these share one decoding."""
        return self.rate, self.width, self.height

    @abstractmethod
    def look(self) -> Look:
        """Starts on a clip."""


class AveragingListener(VisualListener):
    """Looks by a PyTorch module, and takes the mean over a clip."""

    def __init__(self, expert: VisualExpert, **facts: Any):
        super().__init__(expert.frames_per_second, expert.frame_size, expert.frame_size, **facts)
        self.expert = expert

    def look(self) -> Look:
        return _AveragingLook(self.expert)


class _AveragingLook:
    def __init__(self, expert: VisualExpert):
        self._average = FrameAverage(expert)

    def add(self, frame: np.ndarray) -> None:
        self._average.add(frame[None])

    def result(self) -> np.ndarray | None:
        return self._average.result()


class WindowedVisualListener(VisualListener):
    """Looks at windows of `length` frames, one every `hop` frames, by a network."""

    def __init__(self, network: Network, length: int, hop: int, **facts: Any):
        super().__init__(**facts)
        self.network, self.length, self.hop = network, length, hop

    def look(self) -> Look:
        return _WindowedLook(self)


class _WindowedLook:
    def __init__(self, listener: WindowedVisualListener):
        self._listener = listener
        self._windows = FrameWindows(listener.length, listener.hop)
        self._waiting: list[np.ndarray] = []
        self._done: list[np.ndarray] = []
        self._most = max(1, BATCH // listener.length)

    def add(self, frame: np.ndarray) -> None:
        window = self._windows.add(frame)
        if window is not None:
            self._take(window)

    def result(self) -> np.ndarray | None:
        for window in self._windows.finish():
            self._take(window)
        self._run()
        tokens = [part.reshape(-1, self._listener.dim) for part in self._done]
        return self._listener.aggregate(np.concatenate(tokens)) if tokens else None

    def _take(self, window: np.ndarray) -> None:
        self._waiting.append(window)
        if len(self._waiting) == self._most:
            self._run()

    def _run(self) -> None:
        if self._waiting:
            self._done.append(self._listener.network(np.stack(self._waiting)))
            self._waiting = []
