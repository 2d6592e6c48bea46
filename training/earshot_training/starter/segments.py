"""Windows and segments of a recording, exactly as the runtime cuts them.

The rules are those of docs/model-packs.md, "Windows and segments".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from earshot_training.starter.config import EXPERTS, StarterConfig
from earshot_training.starter.train_experts import front_end

SILENCE = 1e-4  # a segment whose samples all stay below this is not indexed


def window_count(samples: int, hop: int) -> int:
    """Windows of a recording: those that start in it and hear at least a quarter of a hop; at least one."""
    least = -(-hop // 4)
    return max(1, (samples - least) // hop + 1) if samples > 0 else 0


def segment_count(samples: int, config: StarterConfig) -> int:
    """Segments of a recording: the first, and each further one that hears what the one before did not."""
    if samples <= 0:
        return 0
    hops = [config.windows(name)[1] for name in EXPERTS]
    windows_end = max(window_count(samples, hop) * hop for hop in hops)
    count = 1
    while (count - 1) * config.segment_hop + config.segment < samples and (
        count * config.segment_hop < windows_end
    ):
        count += 1
    return count


@dataclass
class Segments:
    """Features of many segments.

    `vggish` [n, 4, 128] and `vggsound` [n, 12, dim], zero rows where windows are missing; `availability`
    [n, 2]; `clip` int [n], the index of the recording.
    """

    vggish: Tensor
    vggsound: Tensor
    availability: Tensor
    clip: np.ndarray


@torch.no_grad()
def encode_recordings(
    recordings: list[np.ndarray], experts: dict[str, nn.Module], config: StarterConfig, batch: int = 128
) -> Segments:
    """int16 recordings -> the features of all their segments that are not silent.

    At least one recording must have a sample.
    """
    places = [
        (number, k)
        for number, recording in enumerate(recordings)
        for k in range(segment_count(len(recording), config))
        if not _is_silent(recording[k * config.segment_hop : k * config.segment_hop + config.segment])
    ]
    features, available = {}, []
    for name in EXPERTS:
        window, hop = config.windows(name)
        tokens = _encode_windows(recordings, experts[name], name, window, hop, batch)
        first = [k * config.segment_hop // hop for _, k in places]
        found = [
            tokens[number][start : start + config.segment // hop]
            for (number, _), start in zip(places, first, strict=True)
        ]
        features[name] = _fill_with_zeros(found, config.segment // hop, tokens[0].shape[1:])
        available.append([float(len(windows) > 0) for windows in found])
    clip = np.array([number for number, _ in places], np.int64)
    return Segments(**features, availability=torch.tensor(available).T.contiguous(), clip=clip)


def _is_silent(samples: np.ndarray) -> bool:
    return np.abs(samples.astype(np.int32)).max() < SILENCE * 32768


def _encode_windows(
    recordings: list[np.ndarray], expert: nn.Module, name: str, window: int, hop: int, batch: int
) -> list[Tensor]:
    """The tokens of every window of each recording [windows, tokens, dim]; the last window is zero-filled."""
    expert, make_input = expert.eval().to(memory_format=torch.channels_last), front_end(name)
    counts = [window_count(len(recording), hop) for recording in recordings]
    windows = np.zeros((sum(counts), window), np.int16)
    starts = [(r, i * hop) for r, count in enumerate(counts) for i in range(count)]
    for row, (number, start) in enumerate(starts):
        piece = recordings[number][start : start + window]
        windows[row, : len(piece)] = piece
    parts = [
        expert(make_input(torch.from_numpy(windows[i : i + batch].astype(np.float32) / 32768)))
        for i in range(0, len(windows), batch)
    ]
    return list(torch.split(torch.cat(parts), counts))


def _fill_with_zeros(found: list[Tensor], windows: int, shape: torch.Size) -> Tensor:
    """Tokens of each segment's windows, as many as exist, -> [segments, windows * tokens, dim]."""
    tokens, dim = shape
    full = torch.zeros(len(found), windows * tokens, dim)
    for row, part in enumerate(found):
        full[row, : len(part) * tokens] = part.reshape(-1, dim)
    return full
