"""The experts' entries in a manifest (docs/model-packs.md)."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class AudioExpert:
    """How the runtime feeds one audio expert. Lengths in samples; fields as in docs/model-packs.md."""

    name: str
    window_samples: int
    hop_samples: int
    tokens_per_window: int
    windows_per_segment: int
    feature_dim: int
    embedding_dim: int
    aggregation: str = "sequence"  # or "average": one mean vector a segment
    token_limit: int | None = None  # rows of the clip encoder's input; None: as many as a segment has tokens
    data_files: tuple[str, ...] = ()  # weights that ONNX keeps beside the graph

    @property
    def file(self) -> str:
        return f"{self.name}.onnx"

    @property
    def max_tokens(self) -> int:
        """Rows of the clip encoder's input: later tokens are cut, rows of zeros stand for missing ones."""
        if self.aggregation == "average":
            return 1
        return self.token_limit or self.tokens_per_window * self.windows_per_segment

    def entry(self) -> dict[str, Any]:
        """The expert as an object of the manifest."""
        return {
            "name": self.name,
            "modality": "audio",
            "file": self.file,
            "windowSamples": self.window_samples,
            "hopSamples": self.hop_samples,
            "tokensPerWindow": self.tokens_per_window,
            "windowsPerSegment": self.windows_per_segment,
            "featureDim": self.feature_dim,
            "aggregation": self.aggregation,
            "maxTokens": self.max_tokens,
            "embeddingDim": self.embedding_dim,
        }


@dataclass(frozen=True)
class VisualExpert:
    """How the runtime feeds one visual expert: frames of RGB bytes, `frame_width` x `frame_height` pixels."""

    name: str
    frames_per_second: float
    frame_width: int
    frame_height: int
    frames_per_window: int
    hop_frames: int
    tokens_per_window: int
    feature_dim: int
    embedding_dim: int
    aggregation: str = "average"  # one mean vector a segment; or "sequence"
    token_limit: int = 1  # rows of the clip encoder's input, with "sequence"
    data_files: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"{self.name}.onnx"

    @property
    def max_tokens(self) -> int:
        """Rows of the clip encoder's input."""
        return 1 if self.aggregation == "average" else self.token_limit

    def entry(self) -> dict[str, Any]:
        """The expert as an object of the manifest."""
        return {
            "name": self.name,
            "modality": "visual",
            "file": self.file,
            "framesPerSecond": self.frames_per_second,
            "frameWidth": self.frame_width,
            "frameHeight": self.frame_height,
            "framesPerWindow": self.frames_per_window,
            "hopFrames": self.hop_frames,
            "tokensPerWindow": self.tokens_per_window,
            "featureDim": self.feature_dim,
            "aggregation": self.aggregation,
            "maxTokens": self.max_tokens,
            "embeddingDim": self.embedding_dim,
        }
