"""Every number of the starter pack's training in one place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

EXPERTS = ("vggish", "vggsound")  # in the order of the pack


@dataclass(frozen=True)
class StarterConfig:
    """Defaults of one run. Lengths are samples at 16 kHz unless a name says otherwise."""

    # ---- where things are -------------------------------------------------------------------
    data: Path = Path("../shared/data")  # sounds/, captions/audiocaps/, teacher/
    work: Path = Path("training/runs/starter")  # everything a run writes
    seed: int = 0
    strict_licence: bool = False  # True: only clips with licence_class = permissive
    continue_from: Path | None = None  # a starter pack whose experts are trained further

    # ---- time: the same numbers go into the pack's manifest ----------------------------------
    segment: int = 61_440  # 3.84 s
    segment_hop: int = 30_720  # 1.92 s
    vggish_window: int = 15_600  # one VGGish example: 96 frames of 25 ms, hop 10 ms
    vggish_hop: int = 15_360  # 0.96 s
    vggsound_window: int = 30_893  # 192 spectrogram frames: floor((30893 - 353) / 159)
    vggsound_hop: int = 30_720  # 1.92 s
    vggsound_tokens: int = 6  # 192 frames / 32

    # ---- the pool of training scenes -----------------------------------------------------------
    scenes: int = 32_000
    single_share: float = 0.40  # one sound
    while_share: float = 0.35  # two sounds at once
    followed_share: float = 0.15  # one sound, then another; the rest: three at once
    kind_balance: float = 0.5  # a kind with n clips is drawn with weight n ** kind_balance

    # ---- experts -------------------------------------------------------------------------------
    vggish_width: int = 24
    vggish_dim: int = 128
    vggsound_width: int = 16
    expert_minutes: float = 66.0  # wall-clock budget per expert; the schedule follows it
    expert_batch: int = 32  # scenes per step
    expert_lr: float = 2e-3
    continued_lr: float = 1e-3  # peak, where the experts of a pack are trained further
    heads_first: float = 0.03  # share of the time in which only the new heads learn on a pack's experts
    expert_weight_decay: float = 0.02
    teacher_weight: float = 1.0  # BCE to YAMNet's 521 probabilities
    embedding_weight: float = 1.0  # cosine distance to YAMNet's 1024-d embedding
    label_weight: float = 1.0  # cross entropy to the kinds

    # ---- retrieval model -------------------------------------------------------------------------
    shared_dim: int = 256
    audio_clusters: int = 16
    text_clusters: int = 20
    word_limit: int = 20
    vocabulary_size: int = 50_000
    margin: float = 0.2
    retrieval_scenes: int = 16_000  # scenes of the pool that the retrieval model learns from
    retrieval_epochs: int = 20
    retrieval_batch: int = 256
    retrieval_lr: float = 1e-3
    softmax_temperature: float = 0.06

    @property
    def sounds(self) -> Path:
        """The labelled sounds."""
        return self.data / "sounds"

    @property
    def teacher(self) -> Path:
        """YAMNet and its class names."""
        return self.data / "teacher"

    @property
    def audiocaps(self) -> Path:
        """AudioCaps' training captions."""
        return self.data / "captions" / "audiocaps" / "train.csv"

    def windows(self, expert: str) -> tuple[int, int]:
        """Length of an expert's windows, and how far apart two of them start."""
        if expert == "vggish":
            return self.vggish_window, self.vggish_hop
        return self.vggsound_window, self.vggsound_hop

    @property
    def scene_samples(self) -> int:
        """Samples of one scene: the last window of each expert reaches past the segment's end."""
        grids = [self.windows(expert) for expert in EXPERTS]
        return max((self.segment // hop - 1) * hop + window for window, hop in grids)

    @property
    def windows_per_scene(self) -> int:
        """VGGish windows in a scene; the teacher is run on the same windows."""
        return self.segment // self.vggish_hop
