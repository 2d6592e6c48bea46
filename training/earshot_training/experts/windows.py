"""Cuts a stream of frames into windows, as the runtime does (docs/model-packs.md)."""

from collections import deque

import numpy as np


class FrameWindows:
    """Windows of `length` frames, one every `hop`, taken as frames arrive; only what is still needed is held.

    The last frames make windows, too: one that the stream cuts short repeats its last frame, and counts
    where at least half of its frames are real, or where it is the first.
    """

    def __init__(self, length: int, hop: int):
        self.length, self.hop = length, hop
        self._frames: deque[np.ndarray] = deque()
        self._first = 0  # number of the first frame held
        self._count = 0  # frames so far
        self._start = 0  # of the next window

    def add(self, frame: np.ndarray) -> np.ndarray | None:
        """Takes one frame [H, W, 3]; gives the window [length, H, W, 3] that it completes, if any."""
        if self._count >= self._start:
            self._frames.append(frame)
        else:
            self._first += 1  # lies between two windows
        self._count += 1
        if self._count < self._start + self.length:
            return None
        window = np.stack([self._frames[number] for number in range(self.length)])
        self._advance()
        return window

    def finish(self) -> list[np.ndarray]:
        """The windows that the end of the stream cuts short."""
        windows = []
        while self._start < self._count:
            real = list(self._frames)
            if self._start and 2 * len(real) < self.length:
                break
            windows.append(np.stack([*real, *[real[-1]] * (self.length - len(real))]))
            self._advance()
        return windows

    def _advance(self) -> None:
        self._start += self.hop
        while self._frames and self._first < self._start:
            self._frames.popleft()
            self._first += 1
